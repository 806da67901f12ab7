"""Makes the one MP4 of a lesson. May be ended at any time and called again: finished segments are kept."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer

from media.contract import HandoutFile, HandoutSource
from media.recorder.errors import ProductError, RecordingError
from media.recorder.handout.segments import make_segments
from media.recorder.handout.sound import SAMPLE_RATE_HZ, Samples, mixed_sound
from media.recorder.verification import sha256_of

SEGMENT_S = 30
PICTURE_SHARE = 0.9
SOUND_BPS = 96_000
DURATION_TOLERANCE_S = 1.0


class ComposingHandoutMaker:
    """Implements `media.contract.HandoutMaker` with H.264 and AAC, which play everywhere; takes its time."""

    def __init__(self, segment_s: int = SEGMENT_S) -> None:
        """`segment_s`: how much of the picture is encoded at a time, and so lost at most when it is ended."""
        self._segment_s = segment_s

    def make(
        self, sources: list[HandoutSource], output: Path, work_folder: Path, progress: Callable[[float], None]
    ) -> HandoutFile:
        """Write `output`. Raises RecordingError if there is nothing to show or a file cannot be read or written."""
        duration_ms = max((source.offset_ms + source.duration_ms for source in sources), default=0)
        if duration_ms <= 0:
            raise RecordingError("there is nothing to make a file of")
        partial = output.with_suffix(".partial")
        try:
            segments = make_segments(
                sources,
                duration_ms,
                self._segment_s,
                work_folder / "segments",
                lambda share: progress(share * PICTURE_SHARE),
            )
            progress(PICTURE_SHARE)
            self._join(segments, sources, duration_ms, partial)
            self._verify(partial, duration_ms, len(segments))
            partial.replace(output)
            made = HandoutFile(duration_ms=duration_ms, bytes=output.stat().st_size, sha256=sha256_of(output))
        except av.FFmpegError as error:
            raise RecordingError(f"a file of the recording cannot be read: {error}") from error
        except OSError as error:
            raise RecordingError(f"the file cannot be written: {error.strerror or error}") from error
        progress(1.0)
        return made

    def _join(self, segments: Sequence[Path], sources: Sequence[HandoutSource], duration_ms: int, path: Path) -> None:
        """Copy the segments behind each other and mix the sound in beside them."""
        with av.open(str(path), "w", format="mp4", options={"movflags": "faststart", "fflags": "bitexact"}) as output:
            with av.open(str(segments[0])) as first:
                picture = output.add_stream_from_template(first.streams.video[0])
            sound: AudioStream = output.add_stream("aac", rate=SAMPLE_RATE_HZ, layout="mono")
            sound.bit_rate = SOUND_BPS
            seconds = enumerate(mixed_sound(sources, duration_ms))
            for number, segment in enumerate(segments):
                begin = number * self._segment_s
                with av.open(str(segment)) as container:
                    for packet in container.demux(video=0):
                        if packet.pts is None or packet.dts is None:
                            continue
                        packet.pts += round(begin / packet.time_base)
                        packet.dts += round(begin / packet.time_base)
                        packet.stream = picture
                        output.mux(packet)
                _add_sound(output, sound, seconds, begin + self._segment_s)
            output.mux(sound.encode(None))

    def _verify(self, path: Path, duration_ms: int, segments: int) -> None:
        """Read it again: as long as the lesson, in order, pictures in every segment, sound that decodes."""
        with av.open(str(path)) as container:
            duration_s = (container.duration or 0) / av.time_base
            if abs(duration_s - duration_ms / 1000) > DURATION_TOLERANCE_S:
                raise ProductError(
                    f"the file to hand out lasts {duration_s:.3f} s instead of {duration_ms / 1000:.3f} s"
                )
            for number in range(segments):
                container.seek(number * self._segment_s * av.time_base)
                if next(container.decode(video=0), None) is None:
                    raise ProductError(f"the file to hand out has no picture at {number * self._segment_s} s")
            container.seek(0)
            if next(container.decode(audio=0), None) is None:
                raise ProductError("the file to hand out has no sound")


def _add_sound(
    output: OutputContainer, stream: AudioStream, seconds: Iterator[tuple[int, Samples]], until_s: int
) -> None:
    for second, samples in seconds:
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="fltp", layout="mono")
        frame.sample_rate, frame.time_base = SAMPLE_RATE_HZ, Fraction(1, SAMPLE_RATE_HZ)
        frame.pts = second * SAMPLE_RATE_HZ
        output.mux(stream.encode(frame))
        if second + 1 >= until_s:
            return
