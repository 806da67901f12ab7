"""An independent check of plans: it shares no code with the engine, uses masks and counters and exact integers only."""
