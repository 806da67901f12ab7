"""`lesson.json`, which stands beside a lesson's journals and says whose they are."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from media.recorder.journal_format import JournalError, decode_json

LESSON_FILE_NAME = "lesson.json"
SIZE_LIMIT_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class LessonFile:
    """The lesson of a journal folder; `opened_at` is when it was first opened, in Unix seconds."""

    lesson_id: str
    kind: str
    title: str
    opened_at: float


def write_lesson_file(folder: Path, lesson: LessonFile) -> None:
    """Write atomically, making the folder if missing; raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{LESSON_FILE_NAME}.{os.getpid()}"
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(asdict(lesson), file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / LESSON_FILE_NAME)


def read_lesson_file(folder: Path) -> LessonFile | None:
    """The folder's lesson, None if there is no such file; raises JournalError if it is damaged."""
    try:
        with (folder / LESSON_FILE_NAME).open("rb") as file:
            fields = decode_json(file.read(SIZE_LIMIT_BYTES))
    except FileNotFoundError:
        return None
    texts = [fields.get(name) for name in ("lesson_id", "kind", "title")]
    opened_at = fields.get("opened_at")
    if not all(isinstance(text, str) for text in texts) or not isinstance(opened_at, int | float):
        raise JournalError(f"{LESSON_FILE_NAME} lacks a field")
    return LessonFile(str(texts[0]), str(texts[1]), str(texts[2]), float(opened_at))
