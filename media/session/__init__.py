"""Lesson rooms without sockets or clocks: who is in, who publishes, who receives what, and what each is told."""
