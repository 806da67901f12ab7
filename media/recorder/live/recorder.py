"""Follows the journals of a running lesson and keeps its growing files a few seconds behind it."""

import logging
import shutil
from pathlib import Path
from typing import Literal

from media.contract import GrowingRecording, GrowingStream
from media.recorder.journal_format import JournalError
from media.recorder.live.journal_tail import JournalTail
from media.recorder.live.live_party import LiveParty
from media.recorder.live.live_track import LiveTrack
from media.recorder.product_file import Written
from media.recorder.recording_maker import ROLES, SOURCES
from media.recorder.timeline import FOREVER_US
from media.recorder.track_clock import sender_delays_us

logger = logging.getLogger(__name__)

# Fragments last a second: before, there is nothing a player could begin with.
PLAYABLE_US = 1_500_000


class JournalLiveRecorder:
    """Implements `media.contract.LiveRecorder`."""

    def follow(self, journal_folder: Path, output_folder: Path) -> "JournalLiveRecording":
        """Begin with the lesson's first record. Raises OSError if the output cannot be written."""
        shutil.rmtree(output_folder, ignore_errors=True)
        output_folder.mkdir(parents=True)
        return JournalLiveRecording(journal_folder, output_folder)


class JournalLiveRecording:
    """Implements `media.contract.LiveRecording`."""

    def __init__(self, journal_folder: Path, output_folder: Path) -> None:
        self._journal_folder = journal_folder
        self._output_folder = output_folder
        self._tails: dict[Path, JournalTail] = {}
        self._tracks: dict[Path, LiveTrack] = {}
        self._parties: dict[tuple[str, str], LiveParty] = {}
        self._unreadable: set[Path] = set()

    def advance(self) -> GrowingRecording:
        """Take what was written since the last call. Raises OSError if a file cannot be written."""
        while self._read() > 0:
            self._play()
            for party in self._parties.values():
                party.write()
        for party in self._parties.values():
            party.write(self._lesson_us())
        return self._state()

    def close(self) -> None:
        """Close all files."""
        for party in self._parties.values():
            party.write(FOREVER_US, to_the_end=True)
            party.close()

    def _lesson_us(self) -> int:
        return max((track.scan.last_arrival_us for track in self._tracks.values()), default=0)

    def _read(self) -> int:
        """Read on in every journal, but in a later connection's only when its party's earlier ones are at their end."""
        self._look_for_journals()
        read = 0
        for succession in self._successions().values():
            for track in succession:
                found = self._read_one(track)
                read += found
                if found > 0:
                    break
        return read

    def _read_one(self, track: LiveTrack) -> int:
        if track.ended or track.scan.path in self._unreadable:
            return 0
        try:
            return track.read()
        except OSError as error:
            self._give_up(track.scan.path, error)
            return 0

    def _look_for_journals(self) -> None:
        for path in sorted(self._journal_folder.glob("*.journal")):
            if path in self._tracks or path in self._unreadable:
                continue
            tail = self._tails.setdefault(path, JournalTail(path))
            try:
                header = tail.begin()
                if header is None:
                    continue
                if header.source not in SOURCES or header.role not in ROLES:
                    raise JournalError(f"{path.name} names an unknown source or role")
                self._tracks[path] = LiveTrack(path, header, tail)
            except (JournalError, OSError) as error:
                self._give_up(path, error)

    def _give_up(self, path: Path, error: Exception) -> None:
        logger.warning("A journal cannot be watched: %s", error)
        self._unreadable.add(path)

    def _successions(self) -> dict[tuple[str, str], list[LiveTrack]]:
        """The tracks of one source of one party in order of time: one connection after the other."""
        found: dict[tuple[str, str], list[LiveTrack]] = {}
        for track in sorted(self._tracks.values(), key=lambda one: (one.header.started_at, one.scan.path)):
            found.setdefault((track.header.party_id, track.header.source), []).append(track)
        return found

    def _play(self) -> None:
        """Hand what was read to the parties; a party's newer connection silences its older ones."""
        delays: dict[Path, int] = {}
        for party_id in {track.header.party_id for track in self._tracks.values()}:
            delays |= sender_delays_us([one.scan for one in self._tracks.values() if one.header.party_id == party_id])
        for (party_id, source), succession in self._successions().items():
            key = party_id, SOURCES[source]
            if key not in self._parties:
                self._parties[key] = LiveParty(self._output_folder, *key)
            ends_us = [int(track.header.started_at * 1_000_000) for track in succession[1:]] + [FOREVER_US]
            for track, end_us in zip(succession, ends_us, strict=True):
                found = track.happenings(delays.get(track.scan.path))
                before = [one for one in found if one.frame.arrival_us < end_us]
                self._parties[key].add(track.header.kind, before)

    def _state(self) -> GrowingRecording:
        headers = {(one.header.party_id, SOURCES[one.header.source]): one.header for one in self._tracks.values()}
        written = [
            (key, file, party.growing)
            for key, party in self._parties.items()
            for file in party.files
            if file.so_far_us >= PLAYABLE_US
        ]
        origin_us = min((file.begins_us for _, file, _ in written), default=0)
        streams = []
        for key, file, growing in written:
            header = headers[key]
            streams.append(
                GrowingStream.model_validate(
                    {
                        "party_id": header.party_id,
                        "party_name": header.party_name,
                        "role": header.role,
                        "source": _source(key[1], file),
                        "file_name": file.path.name,
                        "content_type": file.content_type,
                        "offset_ms": (file.begins_us - origin_us) // 1000,
                        "duration_ms": file.so_far_us // 1000,
                        "has_picture": file.video_codec is not None,
                        "has_sound": file.has_sound,
                        "width": file.width,
                        "height": file.height,
                        "bytes": file.path.stat().st_size if file.path.exists() else 0,
                        "ended": file is not growing,
                    }
                )
            )
        lesson_id = next((header.lesson_id for header in headers.values()), "")
        return GrowingRecording(lesson_id=lesson_id, origin_at=origin_us / 1_000_000, streams=streams)


def _source(source: str, file: Written) -> Literal["camera", "screen", "microphone"]:
    if source == "screen":
        return "screen"
    return "microphone" if file.video_codec is None else "camera"
