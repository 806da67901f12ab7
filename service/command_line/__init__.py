"""The program `three-classrooms`."""

from service.command_line.program import main

__all__ = ["main"]
