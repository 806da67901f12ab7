"""`three-classrooms backup` and `restore`, with a progress bar."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import Progress

from service.backup.making import make_backup
from service.backup.manifest import BackupError
from service.backup.restoring import restore_backup
from service.command_line.terminal import console, say
from service.configuration import Configuration, ConfigurationError

MIB = 1024 * 1024


def back_up(configuration: Configuration, target: Path, earlier: Path | None) -> None:
    """Make a backup. Raises ConfigurationError."""
    with _bar("copying") as progress:
        manifest = make_backup(configuration, target, earlier, progress)
    size = sum(one.size_bytes for one in manifest.files) // MIB
    say(f"{len(manifest.files)} files, {size:,} MiB, in {target}")
    if configuration.s3_endpoint is not None:
        say("recordings are in the S3 store and not in this backup: keep versions or a replica of the bucket there")


def restore(configuration: Configuration, source: Path) -> None:
    """Restore a backup. Raises ConfigurationError."""
    with _bar("restoring") as progress:
        manifest = restore_backup(configuration, source, progress)
    say(f"restored the backup of {manifest.at:%Y-%m-%d %H:%M} UTC; start the product now")


@contextmanager
def _bar(word: str) -> Iterator[Callable[[int, int], None]]:
    try:
        with Progress(console=console, transient=True) as bar:
            task = bar.add_task(word, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
    except BackupError as error:
        raise ConfigurationError(str(error)) from error
