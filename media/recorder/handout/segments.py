"""The picture of a handout in segments, each a file of its own: what is finished is never lost."""

import json
import shutil
from collections.abc import Callable, Sequence
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import av
from av.video.stream import VideoStream

from media.contract import HandoutSource
from media.recorder.handout.layout import HEIGHT, WIDTH
from media.recorder.handout.pictures import Scene

FRAME_RATE = 15
FORM = 1
"Changes whenever segments of an earlier program do not fit those of this one."
# No B-frames: a segment then ends where its last picture ends, and segments join without overlap.
ENCODER_OPTIONS = {"preset": "veryfast", "crf": "27", "bf": "0", "g": str(4 * FRAME_RATE), "threads": "1"}


def make_segments(
    sources: Sequence[HandoutSource],
    duration_ms: int,
    segment_s: int,
    folder: Path,
    progress: Callable[[float], None],
) -> list[Path]:
    """Encode what is not there yet, in order; raises av.FFmpegError and OSError."""
    _begin(folder, _recipe(sources, duration_ms, segment_s))
    count = max(1, -(-duration_ms // (segment_s * 1000)))
    paths = [folder / f"{number:05d}.mp4" for number in range(count)]
    scene: Scene | None = None
    try:
        for number, path in enumerate(paths):
            if path.exists():
                continue
            from_ms = number * segment_s * 1000
            # All segments before this one were there: from here on nothing is skipped, and files stay open.
            scene = scene or Scene(sources, from_ms)
            _encode(scene, from_ms, min(duration_ms, from_ms + segment_s * 1000), path)
            progress((number + 1) / count)
    finally:
        if scene is not None:
            scene.close()
    return paths


def _encode(scene: Scene, from_ms: int, to_ms: int, path: Path) -> None:
    partial = path.with_suffix(".partial")
    with av.open(str(partial), "w", format="mp4", options={"fflags": "bitexact"}) as output:
        stream: VideoStream = output.add_stream("libx264", rate=FRAME_RATE, options=ENCODER_OPTIONS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = Fraction(1, FRAME_RATE)
        for index in range(-(-(to_ms - from_ms) * FRAME_RATE // 1000)):
            frame = scene.at(from_ms + index * 1000 // FRAME_RATE)
            frame.pts, frame.time_base = index, Fraction(1, FRAME_RATE)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    partial.replace(path)


def _recipe(sources: Sequence[HandoutSource], duration_ms: int, segment_s: int) -> str:
    said = [source.model_dump(mode="json", exclude={"path"}) for source in sources]
    return sha256(json.dumps([FORM, duration_ms, segment_s, ENCODER_OPTIONS, said]).encode()).hexdigest()


def _begin(folder: Path, recipe: str) -> None:
    """Keep segments made by the same recipe, and nothing else."""
    note = folder / "recipe"
    if not note.is_file() or note.read_text() != recipe:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        note.write_text(recipe)
