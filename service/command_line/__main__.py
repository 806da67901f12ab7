"""`python -m service.command_line` is the program too: how it starts processes of its own."""

from service.command_line.program import main

main()
