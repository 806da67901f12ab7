"""Restores a backup into an empty data folder and an empty database, after every file was found whole."""

import shutil
from collections.abc import Callable
from pathlib import Path

from service.backup.databases import load_database
from service.backup.manifest import DATABASE, BackupError, Manifest, checksum, path_within
from service.configuration import Configuration


def restore_backup(configuration: Configuration, source: Path, progress: Callable[[int, int], None]) -> Manifest:
    """Check the backup, then restore it; tells files done and files in all. Raises BackupError, nothing half done."""
    manifest = Manifest.read(source)
    kind = "sqlite" if configuration.effective_database_url.startswith("sqlite") else "postgresql"
    if kind != manifest.database:
        raise BackupError(f"the backup is of {manifest.database}, the settings name {kind}")
    check_backup(source, manifest)
    folder = configuration.data_folder
    if folder.exists() and any(folder.iterdir()):
        raise BackupError(f"{folder} is not empty: restore into a new data folder")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Files first: a database without its files would promise recordings that are not there.
    files = [one.name for one in manifest.files if one.name != DATABASE]
    for done, name in enumerate(files, start=1):
        place = path_within(folder, name)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(path_within(source, name), place)
        progress(done, len(files))
    load_database(configuration.effective_database_url, source / DATABASE)
    return manifest


def check_backup(source: Path, manifest: Manifest) -> None:
    """See that every file is there and as it was. Raises BackupError naming the first that is not."""
    for one in manifest.files:
        path = path_within(source, one.name)
        if not path.is_file():
            raise BackupError(f"the backup lacks {one.name}")
        if path.stat().st_size != one.size_bytes or checksum(path) != one.sha256:
            raise BackupError(f"{one.name} of the backup is damaged")
