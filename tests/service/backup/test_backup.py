"""The backup drill: a deployment is backed up while in use, lost and restored; damaged backups are refused."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from postgresql_server import Server

from service.backup.making import make_backup
from service.backup.manifest import DATABASE, MANIFEST, BackupError, Manifest
from service.backup.restoring import restore_backup
from service.configuration import Configuration
from service.storage.base import new_id
from service.storage.database import Database
from service.storage.schema import prepare_schema
from service.usage.tables import UsageRow

QUIET: Callable[[int, int], None] = lambda _done, _total: None  # noqa: E731


class Deployment:
    """A database with rows and a data folder with files, as a running product has them."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.database = Database(configuration.effective_database_url)

    def fill(self) -> None:
        for folder in (self.configuration.recording_folder, self.configuration.journal_folder):
            folder.mkdir(parents=True)
        prepare_schema(self.database)
        self.write_row()
        self.record("lesson1/lead-camera.mp4", b"picture" * 1000)
        journal = self.configuration.journal_folder / "lesson2"
        journal.mkdir()
        (journal / "track.journal").write_bytes(b"packets")

    def record(self, key: str, content: bytes) -> None:
        path = self.configuration.recording_folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def write_row(self) -> None:
        with self.database.unit_of_work() as session:
            session.add(UsageRow(at=datetime.now(UTC), type="joined", lesson_id=new_id(), data={}))

    def rows(self) -> int:
        with self.database.reading() as session:
            return session.query(UsageRow).count()


@pytest.fixture(params=["sqlite", "postgresql"])
def new_deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], Deployment]]:
    made: list[Deployment] = []
    databases: list[str] = []

    def make(name: str) -> Deployment:
        url = None
        if request.param == "postgresql":
            server: Server = request.getfixturevalue("postgresql")
            database = f"backup_{uuid4().hex}"
            server.run(f"CREATE DATABASE {database}")
            databases.append(database)
            url = server.url(database)
        made.append(Deployment(Configuration(data_folder=tmp_path / name, database_url=url)))
        return made[-1]

    yield make
    for one in made:
        one.database.close()
    for database in databases:
        request.getfixturevalue("postgresql").run(f"DROP DATABASE {database}")


def test_a_deployment_in_use_is_restored_as_of_one_moment(new_deployment, tmp_path: Path) -> None:
    lost = new_deployment("lost")
    lost.fill()
    stop = threading.Event()

    def use() -> None:
        while not stop.is_set():
            lost.write_row()

    writer = threading.Thread(target=use)
    writer.start()
    before = lost.rows()
    try:
        make_backup(lost.configuration, tmp_path / "backup", None, QUIET)
    finally:
        stop.set()
        writer.join()
    found = new_deployment("found")
    restore_backup(found.configuration, tmp_path / "backup", QUIET)
    prepare_schema(found.database)
    assert before <= found.rows() <= lost.rows()
    assert (found.configuration.recording_folder / "lesson1/lead-camera.mp4").read_bytes() == b"picture" * 1000
    assert (found.configuration.journal_folder / "lesson2/track.journal").read_bytes() == b"packets"
    found.write_row()  # the counters of rows go on where they were


def test_recordings_of_an_earlier_backup_are_linked_not_copied(new_deployment, tmp_path: Path) -> None:
    deployment = new_deployment("data")
    deployment.fill()
    make_backup(deployment.configuration, tmp_path / "monday", None, QUIET)
    deployment.record("lesson3/lead-camera.mp4", b"new")
    make_backup(deployment.configuration, tmp_path / "tuesday", tmp_path / "monday", QUIET)
    monday, tuesday = (tmp_path / day / "recordings/lesson1/lead-camera.mp4" for day in ("monday", "tuesday"))
    assert monday.samefile(tuesday)
    assert (tmp_path / "tuesday/recordings/lesson3/lead-camera.mp4").read_bytes() == b"new"
    restore_backup(new_deployment("found").configuration, tmp_path / "tuesday", QUIET)


def test_a_backup_is_not_restored_over_what_is_there(new_deployment, tmp_path: Path) -> None:
    deployment = new_deployment("data")
    deployment.fill()
    make_backup(deployment.configuration, tmp_path / "backup", None, QUIET)
    rows = deployment.rows()
    with pytest.raises(BackupError, match="not empty"):
        restore_backup(deployment.configuration, tmp_path / "backup", QUIET)
    assert deployment.rows() == rows


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    deployment = Deployment(Configuration(data_folder=tmp_path / "data"))
    deployment.fill()
    make_backup(deployment.configuration, tmp_path / "backup", None, QUIET)
    deployment.database.close()
    return tmp_path / "backup"


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda backup: (backup / DATABASE).write_bytes(b"x"), "damaged"),
        (lambda backup: (backup / "recordings/lesson1/lead-camera.mp4").unlink(), "lacks"),
        (lambda backup: (backup / MANIFEST).unlink(), "no finished backup"),
        (lambda backup: (backup / MANIFEST).write_text("{"), "cannot be read"),
    ],
)
def test_a_damaged_backup_is_refused_before_anything_is_written(backup: Path, tmp_path: Path, damage, reason) -> None:
    damage(backup)
    with pytest.raises(BackupError, match=reason):
        restore_backup(Configuration(data_folder=tmp_path / "found"), backup, QUIET)
    assert not (tmp_path / "found").exists()


def test_a_manifest_that_leads_outside_is_refused(backup: Path, tmp_path: Path) -> None:
    manifest = Manifest.read(backup)
    manifest.files[0].name = "recordings/../../outside"
    manifest.write(backup)
    with pytest.raises(BackupError, match="outside itself"):
        restore_backup(Configuration(data_folder=tmp_path / "found"), backup, QUIET)


def test_a_backup_of_another_kind_of_database_is_refused(backup: Path, tmp_path: Path) -> None:
    configuration = Configuration(data_folder=tmp_path / "found", database_url="postgresql://a:b@127.0.0.1:9/c")
    with pytest.raises(BackupError, match="sqlite"):
        restore_backup(configuration, backup, QUIET)


def test_a_folder_that_is_there_is_not_written_into(backup: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="exists already"):
        make_backup(Configuration(data_folder=tmp_path / "data"), backup, None, QUIET)
