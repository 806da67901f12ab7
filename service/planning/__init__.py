"""Planning: what is to be paired, plans made from it, the dated lessons they become and what changes afterwards."""
