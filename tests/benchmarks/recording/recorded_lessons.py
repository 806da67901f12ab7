"""The relay under test with lessons that are recorded, on the load and the clocks of the forwarding benchmark."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.forward.loads import Load, Party, lessons
from benchmarks.forward.relay_server import RelayServer


def pairs(count: int) -> Load:
    """Lessons of a lead (250 picture and 50 sound packets a second) and one room: four tracks each."""
    four = lessons(count)
    by_lesson = tuple((Party(2 * n, n, True, True), Party(2 * n + 1, n, False, True)) for n in range(count))
    # Of four parties' streams the first two parties', with their rates and phases; parties are numbered anew.
    streams = tuple(
        replace(stream, party=by_lesson[stream.party.lesson][stream.party.index % 4], fanout=1)
        for stream in four.streams
        if stream.party.index % 4 < 2
    )
    parties = tuple(party for lesson in by_lesson for party in lesson)
    return Load(f"pairs {count}", parties, streams, count, 4, by_lesson)


class RecordingRelay(RelayServer):
    """The relay of the forwarding benchmark; its lessons may be recorded."""

    dropped = 0
    "What its journals lost so far, by its own word."

    def record(self, lessons: int, active: bool) -> None:
        """Switch recording of the first lessons on or off."""
        for number in range(lessons):
            self.child.tell({"type": "set_recording", "lesson_id": f"lesson{number}", "active": active})

    def heard(self, event: dict[str, Any]) -> None:
        """Keep what the relay says of its journals."""
        if event["type"] == "relay_heartbeat":
            self.dropped = event["recording_dropped"]

    def _open(self, lesson_id: str, kind: str) -> None:
        lesson = {"type": "open_lesson", "lesson_id": lesson_id, "kind": kind, "title": "", "recorded": True}
        self.child.tell({**lesson, "starts_at": 0, "ends_at": 1})


@contextmanager
def journals_below(folder: Path) -> Iterator[None]:
    """Let a relay started inside keep its journals somewhere below this folder."""
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(folder)
    try:
        yield
    finally:
        os.environ.pop("TMPDIR")
        if before is not None:
            os.environ["TMPDIR"] = before
