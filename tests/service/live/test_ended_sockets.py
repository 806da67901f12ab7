"""A lesson's socket that ends leaves nothing behind that only a search for reference cycles would free."""

import gc
from typing import Any

SOCKETS = 3


def _remembered_frames() -> list[str]:
    """The functions of ours that unreachable objects still remember; frees them."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        frames = [one for one in gc.garbage if type(one).__name__ == "frame"]
        return [frame.f_code.co_qualname for frame in frames if "/service/" in frame.f_code.co_filename]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.collect()


def test_a_socket_that_ends_is_freed_at_once(running: Any, due_lesson: Any, as_room: Any) -> None:
    with running() as (client, relay):
        gc.collect()
        gc.disable()
        try:
            for count in range(SOCKETS):
                with client.websocket_connect("/api/live", headers=as_room("south room")) as socket:
                    socket.send_json({"v": 1, "type": "join", "lesson_id": due_lesson["id"]})
                    assert socket.receive_json()["type"] == "welcome"
                relay.wait_for("leave_lesson", count + 1)
            frames = _remembered_frames()
        finally:
            gc.enable()
    assert frames == []
