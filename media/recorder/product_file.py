"""One file of a recording while it is written: pictures and sounds on one timeline whose zero is the file's beginning,
sound gaps filled with silence so that players keep picture and sound together.
"""

from dataclasses import dataclass, field
from pathlib import Path

import av
from av.packet import Packet
from av.stream import Stream

from media.recorder.frames import EncodedFrame
from media.recorder.h264 import parameter_sets
from media.recorder.opus import SAMPLE_RATE_HZ, SILENCE, SILENCE_SAMPLES, duration_samples
from media.recorder.streams import (
    PICTURE_TIME_BASE,
    SOUND_TIME_BASE,
    add_picture_stream,
    add_sound_stream,
    picture_size,
)

# Sound keeps its own even pace unless it is off by more than this.
SOUND_TOLERANCE_SAMPLES = 1440
# While pictures run on without sound, silence follows them at this distance.
SILENCE_BEHIND_US = 100_000
GAP_US = 1_500_000
GAP_AFTER_LOSS_US = 200_000
LAST_PICTURE_TICKS = 3000
SMALLEST_STEP_TICKS = 90
GROWING_MP4 = {"movflags": "empty_moov+default_base_moof", "frag_duration": "1000000", "flush_packets": "1"}
GROWING_WEBM = {"live": "1", "cluster_time_limit": "1000", "flush_packets": "1"}


@dataclass(slots=True)
class Written:
    """What a finished file holds; times in microseconds after the file's beginning."""

    path: Path
    begins_us: int
    "Unix time of the file's beginning."
    video_codec: str | None
    has_sound: bool
    pictures: int = 0
    sounds: int = 0
    duration_us: int = 0
    width: int | None = None
    height: int | None = None
    gaps_us: list[tuple[int, int]] = field(default_factory=list)
    so_far_us: int = 0
    "How far a growing file has come."

    @property
    def content_type(self) -> str:
        """The file's media type without parameters."""
        return {"h264": "video/mp4", "vp8": "video/webm", None: "audio/webm"}[self.video_codec]


class ProductFile:
    """Writes one file. `key_frame` is its first picture, None for sound alone; calls must come in order of time.

    A `growing` file can be played while it is written: it is in fragments of a second, and has no index.
    """

    def __init__(
        self, path: Path, begins_us: int, key_frame: EncodedFrame | None, has_sound: bool, *, growing: bool = False
    ) -> None:
        codec = key_frame.codec if key_frame else None
        self.written = Written(path, begins_us, codec, has_sound)
        # bitexact: the same journals make the same bytes. The index goes to the front so that seeking needs no tail.
        options = {"fflags": "bitexact", "max_interleave_delta": "500000"}
        if growing:
            options |= GROWING_MP4 if codec == "h264" else GROWING_WEBM
        else:
            options |= {"movflags": "faststart"} if codec == "h264" else {"cues_to_front": "1"}
        self._output = av.open(str(path), "w", format="mp4" if codec == "h264" else "webm", options=options)
        try:
            self._picture = add_picture_stream(self._output, key_frame.codec, key_frame.data) if key_frame else None
            self._sound = add_sound_stream(self._output) if has_sound else None
        except ValueError:
            self._output.close()
            raise
        self._growing = growing
        self._waiting_picture: Packet[Stream] | None = None
        self._size_told_by = b""
        self._last_picture_tick = -SMALLEST_STEP_TICKS
        self._shown_until_us = 0
        self._heard_until_us = 0
        self._sound_end_samples = 0

    def add_picture(self, time_us: int, frame: EncodedFrame) -> None:
        """A picture of the file's codec at Unix time `time_us`; the first one must be a key frame."""
        if self._picture is None:
            raise ValueError("a picture for a file of sound alone")
        after_us = max(0, time_us - self.written.begins_us)
        if frame.is_key:
            self._note_size(frame)
        self._note_gap(self._shown_until_us, after_us, GAP_AFTER_LOSS_US if frame.after_loss else GAP_US)
        self._fill_silence(after_us - SILENCE_BEHIND_US)
        tick = max(after_us * 9 // 100, self._last_picture_tick + SMALLEST_STEP_TICKS)
        self._last_picture_tick = tick
        self._shown_until_us = self.written.so_far_us = after_us
        packet = self._packet(self._picture, frame.data, tick, LAST_PICTURE_TICKS)
        packet.is_keyframe = frame.is_key
        packet.time_base = PICTURE_TIME_BASE
        self._mux_picture(packet)
        self.written.pictures += 1

    def add_sound(self, time_us: int, data: bytes) -> None:
        """An Opus packet that begins at Unix time `time_us`; one that overlaps what is there is left out."""
        samples = duration_samples(data)
        after_us = time_us - self.written.begins_us
        ahead = after_us * SAMPLE_RATE_HZ // 1_000_000 - self._sound_end_samples
        if not samples or ahead < -SOUND_TOLERANCE_SAMPLES:
            return
        if self.written.video_codec is None:
            self._note_gap(self._heard_until_us, after_us, GAP_US)
        if ahead > SOUND_TOLERANCE_SAMPLES:
            self._fill_silence(after_us)
        self._mux_sound(data, samples)
        self._heard_until_us = after_us
        self.written.so_far_us = max(self.written.so_far_us, after_us)

    def close(self) -> Written:
        """Finish the file and tell what is in it."""
        if self._waiting_picture is not None:
            self._output.mux_one(self._waiting_picture)
        picture_end_us = self._last_picture_tick * 100 // 9 if self.written.pictures else 0
        self._fill_silence(picture_end_us)
        sound_end_us = self._sound_end_samples * 1_000_000 // SAMPLE_RATE_HZ
        self.written.duration_us = max(picture_end_us + LAST_PICTURE_TICKS * 100 // 9, sound_end_us)
        if self.written.video_codec is None:
            self.written.duration_us = sound_end_us
        else:
            self._note_gap(self._shown_until_us, self.written.duration_us, GAP_US)
        self._output.close()
        return self.written

    def abandon(self) -> None:
        """Close the file without caring for what is in it."""
        self._output.close()

    def _mux_picture(self, packet: "Packet[Stream]") -> None:
        if not self._growing:
            self._output.mux_one(packet)
            return
        # A fragment of MP4 takes over where the one before it ends: a picture must last until the next one.
        before, self._waiting_picture = self._waiting_picture, packet
        if before is not None:
            before.duration = (packet.pts or 0) - (before.pts or 0)
            self._output.mux_one(before)

    def _note_size(self, frame: EncodedFrame) -> None:
        # Finding out takes a millisecond: look only when what tells the size changes.
        telling = frame.data[6:10] if frame.codec == "vp8" else parameter_sets(frame.data)
        if telling == self._size_told_by:
            return
        self._size_told_by = telling
        width, height = picture_size(frame.codec, frame.data)
        if width * height > (self.written.width or 0) * (self.written.height or 0):
            self.written.width, self.written.height = width, height

    def _note_gap(self, from_us: int, to_us: int, at_least_us: int) -> None:
        if to_us - from_us >= at_least_us:
            self.written.gaps_us.append((from_us, to_us))

    def _fill_silence(self, until_us: int) -> None:
        if self._sound is None:
            return
        missing = until_us * SAMPLE_RATE_HZ // 1_000_000 - self._sound_end_samples
        for _ in range(max(0, missing // SILENCE_SAMPLES)):
            self._mux_sound(SILENCE, SILENCE_SAMPLES)

    def _mux_sound(self, data: bytes, samples: int) -> None:
        if self._sound is None:
            return
        packet = self._packet(self._sound, data, self._sound_end_samples, samples)
        packet.is_keyframe = True
        packet.time_base = SOUND_TIME_BASE
        self._output.mux_one(packet)
        self._sound_end_samples += samples
        self.written.sounds += 1

    @staticmethod
    def _packet(stream: Stream, data: bytes, tick: int, duration: int) -> "Packet[Stream]":
        packet = Packet(data)
        packet.stream = stream
        packet.pts = packet.dts = tick
        packet.duration = duration
        return packet
