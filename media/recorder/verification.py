"""The check a file must stand before it counts: opened anew, every packet there, and pictures that decode."""

import hashlib
from pathlib import Path

import av
from av.container import InputContainer

from media.recorder.errors import ProductError
from media.recorder.product_file import Written

CHUNK_BYTES = 1 << 20
DURATION_TOLERANCE_S = 1.0
EARLIER_THAN_ANY_TICK = -(1 << 63)


def verify(written: Written) -> None:
    """Read the file again; raises ProductError if anything that was written is missing or cannot be played."""
    try:
        with av.open(str(written.path)) as container:
            _count_packets(container, written)
        with av.open(str(written.path)) as container:
            _decode_some(container, written)
    except (av.FFmpegError, OSError) as error:
        raise ProductError(f"{written.path.name} cannot be read back: {error}") from error


def _count_packets(container: InputContainer, written: Written) -> None:
    counts = {"video": 0, "audio": 0}
    per_stream = [0] * len(container.streams)
    last_tick = [EARLIER_THAN_ANY_TICK] * len(container.streams)
    for packet in container.demux():
        tick = packet.dts
        if tick is None:
            continue
        index = packet.stream_index
        if tick <= last_tick[index]:
            raise ProductError(f"{written.path.name} goes back in time")
        last_tick[index] = tick
        per_stream[index] += 1
    for stream, count in zip(container.streams, per_stream, strict=True):
        counts[stream.type] += count
    if counts != {"video": written.pictures, "audio": written.sounds}:
        raise ProductError(
            f"{written.path.name} holds {counts['video']} pictures and {counts['audio']} sounds"
            f" instead of {written.pictures} and {written.sounds}"
        )
    duration_s = (container.duration or 0) / av.time_base
    if abs(duration_s - written.duration_us / 1_000_000) > DURATION_TOLERANCE_S:
        raise ProductError(f"{written.path.name} claims to last {duration_s:.3f} s")


def _decode_some(container: InputContainer, written: Written) -> None:
    if written.has_sound and next(container.decode(audio=0), None) is None:
        raise ProductError(f"{written.path.name} has no sound that decodes")
    if written.video_codec is None:
        return
    for second in (0, written.duration_us // 2_000_000):
        container.seek(second * av.time_base)
        if next(container.decode(video=0), None) is None:
            raise ProductError(f"{written.path.name} has no picture that decodes at {second} s")


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hexadecimal; raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
