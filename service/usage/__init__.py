"""The append-only usage log, the attendance figures folded from it, and their reports."""
