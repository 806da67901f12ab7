"""Backup of a running deployment into a folder, and its restoration into an empty one."""
