"""Where finished recordings are kept: the port, and its implementation as a local folder (S3: `s3_store`).

Keys are relative paths of plain segments made by this service, never by a client.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

CHUNK_BYTES = 256 * 1024
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)


class ObjectNotFoundError(Exception):
    """No object has this key; the caller answers that the recording's file is gone."""


class StoreUnavailableError(Exception):
    """The store does not answer, refuses us, or broke off; the text says which. Remedy: try again later."""


class ObjectStore(Protocol):
    """Write-once objects by key, read whole or by range."""

    def put_file(self, key: str, source: Path) -> None:
        """Store a copy of the file under `key`, replacing what is there; after it returns the object is durable."""

    def size_bytes(self, key: str) -> int:
        """Give the object's size. Raises ObjectNotFoundError."""

    def read(self, key: str, start: int, stop: int) -> Iterator[bytes]:
        """Give the bytes [start, stop) in chunks. Raises ObjectNotFoundError before the first chunk."""

    def delete(self, key: str) -> None:
        """Remove the object; a missing one is no error."""


class FolderObjectStore:
    """Objects as files under one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put_file(self, key: str, source: Path) -> None:
        """Copy beside the target, flush to disk, then rename: a reader never sees half an object."""
        target = self._path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=target.parent, prefix=".partial-")
        try:
            with os.fdopen(handle, "wb") as out, source.open("rb") as read:
                shutil.copyfileobj(read, out, CHUNK_BYTES)
                out.flush()
                os.fsync(out.fileno())
            Path(partial).replace(target)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)

    def size_bytes(self, key: str) -> int:
        """Give the object's size. Raises ObjectNotFoundError."""
        try:
            return self._path(key).stat().st_size
        except FileNotFoundError as error:
            raise ObjectNotFoundError(key) from error

    def read(self, key: str, start: int, stop: int) -> Iterator[bytes]:
        """Give the bytes [start, stop) in chunks; the file is opened now, not at the first chunk."""
        try:
            file = self._path(key).open("rb")
        except FileNotFoundError as error:
            raise ObjectNotFoundError(key) from error
        return chunks_of(file, start, stop)

    def delete(self, key: str) -> None:
        """Remove the object; a missing one is no error."""
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder.joinpath(*checked_key(key).split("/"))


def checked_key(key: str) -> str:
    """The key itself; raises ValueError if it is none."""
    if not all(_SEGMENT.fullmatch(segment) for segment in key.split("/")):
        raise ValueError(f"not an object key: {key!r}")
    return key


def chunks_of(file: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    """The bytes [start, stop) of an open file, which is closed after them."""
    with file:
        file.seek(start)
        left = stop - start
        while left > 0:
            chunk = file.read(min(CHUNK_BYTES, left))
            if not chunk:
                return
            left -= len(chunk)
            yield chunk


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable: on Linux a directory entry is only safe after fsync of the directory."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
