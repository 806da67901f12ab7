"""What a backup consists of: its files with their checksums, written last, so that half a backup is none."""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

MANIFEST = "manifest.json"
DATABASE = "database"
CHUNK_BYTES = 1024 * 1024


class BackupError(Exception):
    """The backup cannot be made or used; the text says why and what to do."""


class BackupFile(BaseModel):
    """One file of a backup; `name` is its path in the backup and, but for the database, in the data folder."""

    name: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]*$")
    size_bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """The whole backup."""

    product_version: str
    database: Literal["sqlite", "postgresql"]
    at: datetime
    files: list[BackupFile]

    def write(self, folder: Path) -> None:
        """Make `folder` a backup."""
        partial = folder / f".{MANIFEST}"
        partial.write_text(self.model_dump_json(indent=1), encoding="utf-8")
        partial.replace(folder / MANIFEST)

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """The manifest in `folder`. Raises BackupError."""
        try:
            return cls.model_validate_json((folder / MANIFEST).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise BackupError(f"{folder} is no finished backup: it has no {MANIFEST}") from None
        except (OSError, UnicodeDecodeError, ValidationError) as error:
            raise BackupError(f"{folder / MANIFEST} cannot be read: {str(error).splitlines()[0]}") from error


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as read:
        while chunk := read.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def path_within(folder: Path, name: str) -> Path:
    """Where a file of a manifest lies. Raises BackupError for a name that leads out of the folder."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise BackupError(f"the backup names a file outside itself: {name}")
    return path
