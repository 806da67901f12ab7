"""The pairing engine: a snapshot in, a plan with a proven bound out, by relaxation, rounding and search."""
