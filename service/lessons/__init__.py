"""Booked lessons: their times, parties and claims, how they are answered, moved, begun and ended."""
