"""The demonstration's rooms end with the server that began them, in whatever state they are."""

import subprocess
import sys
from collections.abc import Sequence

import pytest

from service.demo.room_process import RoomOrder, RoomsOrder

ENDS_WITHIN_S = 60.0
STUCK = """
import asyncio, sys, threading
from service.command_line import rooms

async def stuck(options):
    threading.Thread(target=threading.Event().wait).start()  # a decoder that nobody stopped
    print("attending", flush=True)
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            continue

rooms.run_room = stuck
rooms.attend_as_described(sys.stdin)
"""
WAITING = """
import sys
print("attending", flush=True)
from service.command_line import main
sys.argv = ["three-classrooms", "demonstration-rooms"]
main()
"""


@pytest.mark.parametrize("program", [STUCK, WAITING], ids=["stuck", "waiting for a server"])
def test_rooms_end_with_their_input(program: str) -> None:
    order = RoomsOrder(url="http://127.0.0.1:9", rooms=[RoomOrder(token="a token", picture_name="XINGHUA")])
    command: Sequence[str] = (sys.executable, "-c", program)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as rooms:
        assert rooms.stdin is not None
        assert rooms.stdout is not None
        rooms.stdin.write(order.model_dump_json() + "\n")
        rooms.stdin.flush()
        assert rooms.stdout.readline() == "attending\n"
        rooms.stdin.close()  # as the system does for a server that was killed
        try:
            assert rooms.wait(ENDS_WITHIN_S) == 0
        finally:
            rooms.kill()
