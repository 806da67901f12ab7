"""Makes a backup of a deployment that may be running.

Journals come first, then the database, then recordings. A lesson whose journal became a recording meanwhile is found
as one or the other: a journal that is gone when it is to be copied was made into a recording before the database was
copied, and every recording that the copied database speaks of is copied after it. What is recorded later is only more.
Recordings are written once, so those that an earlier backup has are linked.
"""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from service.backup.databases import dump_database
from service.backup.manifest import DATABASE, BackupError, BackupFile, Manifest, checksum
from service.configuration import Configuration

Progress = Callable[[int, int], None]
Known = Mapping[str, tuple[Path, BackupFile]]


def make_backup(configuration: Configuration, target: Path, earlier: Path | None, progress: Progress) -> Manifest:
    """Back up into the new folder `target`; tells files done and files in all. Raises BackupError."""
    known = _known_files(earlier)
    try:
        target.mkdir(parents=True)
    except FileExistsError:
        raise BackupError(f"{target} exists already: name a new folder for each backup") from None
    except OSError as error:
        raise BackupError(f"{target} cannot be made: {error.strerror}") from error
    url = configuration.effective_database_url
    folder = configuration.data_folder
    files = _take_all(folder, target, (configuration.journal_folder, folder / "spool"), {}, progress)
    dump_database(url, target / DATABASE)
    files.append(_described(target, DATABASE))
    files += _take_all(folder, target, (configuration.recording_folder,), known, progress)
    manifest = Manifest(
        product_version=version("three-classrooms"),
        database="sqlite" if url.startswith("sqlite") else "postgresql",
        at=datetime.now(UTC),
        files=files,
    )
    manifest.write(target)
    return manifest


def _take_all(folder: Path, target: Path, parts: Sequence[Path], known: Known, progress: Progress) -> list[BackupFile]:
    paths = [path for part in parts for path in sorted(part.rglob("*")) if not path.name.startswith(".")]
    taken = []
    for done, path in enumerate(paths, start=1):
        name = path.relative_to(folder).as_posix()
        try:
            if path.is_file() and (one := _take(path, target, name, known)) is not None:
                taken.append(one)
        except OSError as error:
            raise BackupError(f"{name} cannot be copied: {error.strerror}") from error
        progress(done, len(paths))
    return taken


def _known_files(earlier: Path | None) -> Known:
    if earlier is None:
        return {}
    recordings = [one for one in Manifest.read(earlier).files if one.name.startswith("recordings/")]
    return {one.name: (earlier / one.name, one) for one in recordings}


def _take(source: Path, target: Path, name: str, known: Known) -> BackupFile | None:
    place = target / name
    place.parent.mkdir(parents=True, exist_ok=True)
    if name in known and source.stat().st_size == known[name][1].size_bytes:
        try:
            os.link(known[name][0], place)
        except OSError:  # on another file system, or gone
            pass
        else:
            return known[name][1]
    try:
        shutil.copyfile(source, place)
    except FileNotFoundError:
        return None  # made into a recording, or deleted by policy, since the list was read
    return _described(target, name)


def _described(target: Path, name: str) -> BackupFile:
    path = target / name
    return BackupFile(name=name, size_bytes=path.stat().st_size, sha256=checksum(path))
