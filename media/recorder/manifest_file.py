"""`recording.json`: the manifest beside the files it lists, with the journals it was made from."""

import json
import os
from pathlib import Path

from pydantic import ValidationError

from media.contract import RecordingManifest
from media.recorder.verification import sha256_of

MANIFEST_FILE_NAME = "recording.json"
PRODUCT_SUFFIXES = {".mp4", ".webm"}


def write_manifest(folder: Path, manifest: RecordingManifest, journal_sizes: dict[str, int]) -> None:
    """Put the manifest in place whole, then remove files of an earlier one that it no longer names."""
    temporary = folder / f".{MANIFEST_FILE_NAME}.{os.getpid()}"
    content = {"journals": journal_sizes, "manifest": manifest.model_dump(mode="json")}
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / MANIFEST_FILE_NAME)
    named = {stream.file_name for stream in manifest.streams}
    for path in folder.iterdir():
        if path.suffix in PRODUCT_SUFFIXES and path.name not in named:
            path.unlink(missing_ok=True)


def kept_manifest(folder: Path, journals: list[Path]) -> RecordingManifest | None:
    """The manifest in `folder` if its files are all unharmed and it was made from just these journals.

    Without any journal (they are removed once the recording is safe) it counts as long as its files are there.
    """
    try:
        content = json.loads((folder / MANIFEST_FILE_NAME).read_bytes())
        if journals and content["journals"] != {path.name: path.stat().st_size for path in journals}:
            return None
        manifest = RecordingManifest.model_validate(content["manifest"])
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        return None
    for stream in manifest.streams:
        path = folder / Path(stream.file_name).name
        if not path.is_file() or path.stat().st_size != stream.bytes or sha256_of(path) != stream.sha256:
            return None
    return manifest
