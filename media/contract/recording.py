"""What a finished recording consists of, and the seam of the part that makes it from a lesson's journals."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

from pydantic import Field

from media.contract.messages import Message, PartyRole


class RecordedStream(Message):
    """One playable file of the recording: a party's camera with its microphone, its screen, or its sound alone."""

    party_id: str
    party_name: str
    role: PartyRole
    source: Literal["camera", "screen", "microphone"]
    file_name: str
    content_type: str
    offset_ms: int
    "Where the file's time zero lies after the origin of the lesson's timeline."
    duration_ms: int
    has_picture: bool
    has_sound: bool
    video_codec: str | None = None
    audio_codec: str | None = None
    width: int | None = None
    height: int | None = None
    bytes: int
    gaps: list[tuple[int, int]] = Field(default_factory=list)
    "Stretches (from_ms, to_ms) of the file in which the party was away."
    sha256: str


class RecordingManifest(Message):
    """All files of a lesson's recording on one timeline that starts at `origin_at`, Unix seconds."""

    lesson_id: str
    origin_at: float
    duration_ms: int
    streams: list[RecordedStream]
    unreadable: list[str] = Field(default_factory=list)
    "Names of journals that could not be read at all and are not in the files; they are worth keeping."


class RecordingMaker(Protocol):
    """Makes the files people watch from a lesson's journals. Idempotent: a repeated call yields the same files."""

    def make(self, journal_folder: Path, output_folder: Path, progress: Callable[[float], None]) -> RecordingManifest:
        """Write the files into `output_folder`, telling `progress` a share between 0 and 1."""


class HandoutSource(Message):
    """A file of a recording that goes into the one to hand out; times in ms, `gaps` on the file's own timeline."""

    path: str
    sha256: str
    role: PartyRole
    source: Literal["camera", "screen", "microphone"]
    offset_ms: int
    duration_ms: int
    has_picture: bool
    has_sound: bool
    gaps: list[tuple[int, int]] = Field(default_factory=list)


class HandoutFile(Message):
    """The one file made of a lesson."""

    duration_ms: int
    bytes: int
    sha256: str


class HandoutMaker(Protocol):
    """Composes one MP4 of a lesson. What was done before is kept in `work_folder`, so a repeated call goes on there."""

    def make(
        self, sources: list[HandoutSource], output: Path, work_folder: Path, progress: Callable[[float], None]
    ) -> HandoutFile:
        """Write `output`, telling `progress` a share between 0 and 1."""


class GrowingStream(Message):
    """A file of a lesson that still runs, as far as it can be fetched: its first `bytes` bytes stay as they are."""

    party_id: str
    party_name: str
    role: PartyRole
    source: Literal["camera", "screen", "microphone"]
    file_name: str
    content_type: str
    offset_ms: int
    duration_ms: int
    has_picture: bool
    has_sound: bool
    width: int | None = None
    height: int | None = None
    bytes: int
    ended: bool = False
    "Whether nothing follows: the party has another file now, or is gone for good."


class GrowingRecording(Message):
    """What can be watched of a lesson that still runs."""

    lesson_id: str
    origin_at: float
    streams: list[GrowingStream]


class LiveRecording(Protocol):
    """Follows one running lesson's journals."""

    def advance(self) -> GrowingRecording:
        """Take what was written since the last call into the files; call about once a second."""

    def close(self) -> None:
        """Close all files."""


class LiveRecorder(Protocol):
    """Makes files of lessons that still run."""

    def follow(self, journal_folder: Path, output_folder: Path) -> LiveRecording:
        """Begin with the lesson's first record; `output_folder` is emptied."""
