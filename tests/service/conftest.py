"""A real application over a fresh database for each test, with a clock and people tests can turn."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from postgresql_server import Server, shared_server
from starlette.testclient import TestClient

from media.contract import RecordingManifest
from service.accounts.roles import Role
from service.accounts.sessions import csrf_token_of, open_session
from service.accounts.tables import User
from service.accounts.usernames import username_key
from service.application import create_application
from service.bus.memory import MemoryBus
from service.configuration import Configuration
from service.organisation.tables import Organisation
from service.organisation.tree import add_organisation
from service.parts import Parts
from service.rooms.tables import Device, Room
from service.security.cookies import SESSION_COOKIE
from service.security.passwords import hash_password
from service.security.rate_limits import RateLimits
from service.security.tokens import hash_token, new_token
from service.storage.database import Database
from service.storage.schema import prepare_schema

PASSWORD = "correct horse battery"
PASSWORD_HASH = hash_password(PASSWORD)
MORNING = datetime(2026, 9, 7, 0, 30, tzinfo=UTC)
"""A Monday, 08:30 in Shanghai."""


class TurnedClock:
    """A clock that stands until a test turns it."""

    def __init__(self, start: datetime = MORNING) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, **delta: float) -> None:
        self._now += timedelta(**delta)

    def set(self, moment: datetime) -> None:
        self._now = moment


class NoRecordings:
    """Stands where no test of these makes a recording."""

    def make(self, journal_folder: Path, output_folder: Path, progress: Callable[[float], None]) -> RecordingManifest:
        raise AssertionError("this test should make no recording")


@dataclass
class County:
    """One prefecture with two counties, each with two schools; ids by short names."""

    parts: Parts
    organisations: dict[str, Organisation] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    rooms: dict[str, Room] = field(default_factory=dict)
    device_tokens: dict[str, str] = field(default_factory=dict)

    def add_organisation(self, key: str, kind: str, parent: str | None, name: str | None = None) -> Organisation:
        with self.parts.database.unit_of_work() as session:
            above = self.organisations[parent] if parent else None
            node = add_organisation(session, above, name or key, kind, self.parts.clock.now())
        self.organisations[key] = node
        return node

    def add_user(self, username: str, role: Role, organisation: str, display_name: str | None = None) -> User:
        with self.parts.database.unit_of_work() as session:
            user = User(
                username=username,
                username_key=username_key(username),
                display_name=display_name or username,
                password_hash=PASSWORD_HASH,
                role=role,
                organisation_id=self.organisations[organisation].id,
                locale="zh-CN",
                created_at=self.parts.clock.now(),
            )
            session.add(user)
        self.users[username] = user
        return user

    def add_room(self, name: str, school: str, *, can_lead: bool = True, paired: bool = False) -> Room:
        with self.parts.database.unit_of_work() as session:
            now = self.parts.clock.now()
            room = Room(
                organisation_id=self.organisations[school].id,
                name=name,
                can_lead=can_lead,
                recording_consent="granted",
                created_at=now,
            )
            session.add(room)
            session.flush()
            if paired:
                self.device_tokens[name] = new_token()
                session.add(Device(room_id=room.id, token_hash=hash_token(self.device_tokens[name]), paired_at=now))
        self.rooms[name] = room
        return room


class Caller:
    """A browser: keeps its cookies and sends the CSRF token once signed in."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def sign_in(self, username: str, password: str = PASSWORD) -> "Caller":
        answer = self.client.post("/api/session", json={"username": username, "password": password})
        assert answer.status_code == 200, answer.text
        self.client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        return self

    def get(self, path: str, **keywords: Any) -> Any:
        return self.client.get(path, **keywords)

    def post(self, path: str, json: Any = None, **keywords: Any) -> Any:
        return self.client.post(path, json={} if json is None else json, **keywords)

    def patch(self, path: str, json: Any, **keywords: Any) -> Any:
        return self.client.patch(path, json=json, **keywords)

    def put(self, path: str, json: Any, **keywords: Any) -> Any:
        return self.client.put(path, json=json, **keywords)

    def delete(self, path: str, **keywords: Any) -> Any:
        return self.client.delete(path, **keywords)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture(scope="session")
def empty_database_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the schema and nothing in it; tests get copies, because migrating takes longer than a test."""
    file = tmp_path_factory.mktemp("schema") / "empty.sqlite3"
    database = Database(f"sqlite:///{file}")
    prepare_schema(database)
    database.close()
    return file


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real PostgreSQL, one for the whole session and all its workers."""
    own = tmp_path_factory.getbasetemp()
    with shared_server(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) as server:
        yield server


@pytest.fixture
def database_url(tmp_path: Path, empty_database_file: Path) -> Iterator[str]:
    """A database with the schema and nothing in it: SQLite, unless a folder's conftest.py says more."""
    file = tmp_path / "test.sqlite3"
    shutil.copy(empty_database_file, file)
    yield f"sqlite:///{file}"


@pytest.fixture
def parts(tmp_path: Path, clock: TurnedClock, database_url: str) -> Iterator[Parts]:
    configuration = Configuration(data_folder=tmp_path, database_url=database_url)
    database = Database(configuration.effective_database_url)
    yield Parts(
        configuration=configuration,
        database=database,
        bus=MemoryBus(),
        recording_maker=NoRecordings(),
        relay_ids=("relay-1",),
        clock=clock,
        rate_limits=RateLimits(lambda: clock.now().timestamp()),
    )
    database.close()


@pytest.fixture
def county(parts: Parts) -> County:
    """The tree and one person for each role, named for it; `*_north` stands beside `*_south`."""
    county = County(parts)
    county.add_organisation("prefecture", "prefecture", None, "青禾州")
    for side in ("north", "south"):
        county.add_organisation(f"county_{side}", "county", "prefecture")
        for number in (1, 2):
            county.add_organisation(f"school_{side}_{number}", "school", f"county_{side}")
    county.add_user("system", Role.SYSTEM_ADMINISTRATOR, "prefecture")
    county.add_user("prefecture", Role.PREFECTURE_ADMINISTRATOR, "prefecture")
    for side in ("north", "south"):
        county.add_user(f"county_{side}", Role.COUNTY_ADMINISTRATOR, f"county_{side}")
        county.add_user(f"school_{side}", Role.SCHOOL_ADMINISTRATOR, f"school_{side}_1")
        county.add_user(f"teacher_{side}", Role.TEACHER, f"school_{side}_1")
        county.add_user(f"researcher_{side}", Role.RESEARCHER, f"county_{side}")
        county.add_user(f"inspector_{side}", Role.INSPECTOR, f"county_{side}")
    return county


@pytest.fixture
def new_client(parts: Parts) -> Iterator[Callable[[], TestClient]]:
    """Makes clients of one application; without its background tasks, which have tests of their own."""
    application = create_application(parts)
    clients: list[TestClient] = []

    def make() -> TestClient:
        clients.append(TestClient(application, base_url="http://testserver", raise_server_exceptions=True))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def anonymous(new_client: Callable[[], TestClient]) -> Caller:
    return Caller(new_client())


@pytest.fixture
def signed_in(new_client: Callable[[], TestClient], county: County) -> Callable[[str], Caller]:
    """Signs somebody of the county in, in a browser of their own; without the password, which costs time by intent."""

    def make(username: str) -> Caller:
        with county.parts.database.unit_of_work() as session:
            now = county.parts.clock.now()
            token = open_session(session, county.users[username].id, now, timedelta(days=365))
        client = new_client()
        client.cookies.set(SESSION_COOKIE, token)
        client.headers["X-CSRF-Token"] = csrf_token_of(token)
        return Caller(client)

    return make


@pytest.fixture
def as_device(new_client: Callable[[], TestClient], county: County) -> Callable[[str], Caller]:
    """A paired room's device, speaking with its bearer token."""

    def make(room: str) -> Caller:
        client = new_client()
        client.headers["Authorization"] = f"Bearer {county.device_tokens[room]}"
        return Caller(client)

    return make


@contextmanager
def running_background(client: TestClient) -> Iterator[TestClient]:
    """The application with its background tasks."""
    with client:
        yield client


def iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


@pytest.fixture
def rooms(county: Any) -> Any:
    """Two rooms of the lead school and one of each other school; all paired but the second."""
    county.add_room("lead room", "school_north_1", paired=True)
    county.add_room("other lead room", "school_north_1")
    county.add_room("village room", "school_north_2", can_lead=False, paired=True)
    county.add_room("south room", "school_south_1", can_lead=False, paired=True)
    county.add_room("far room", "school_south_2", can_lead=False, paired=True)
    return county


@pytest.fixture
def lesson_request(rooms: Any, clock: Any) -> Callable[..., dict[str, Any]]:
    """A booking of the lead room with the given receiving rooms, an hour from now; fields can be replaced."""

    def make(*receivers: str, in_minutes: float = 60, minutes: float = 40, **fields: Any) -> dict[str, Any]:
        starts = clock.now() + timedelta(minutes=in_minutes)
        body = {
            "kind": "synchronous",
            "title": "分数的意义",
            "subject": "mathematics",
            "grade": "grade_5",
            "starts_at": iso(starts),
            "ends_at": iso(starts + timedelta(minutes=minutes)),
            "lead_room_id": rooms.rooms["lead room"].id,
            "receivers": [{"room_id": rooms.rooms[name].id} for name in receivers or ("south room",)],
        }
        return {key: value for key, value in (body | fields).items() if value is not None}

    return make


@pytest.fixture
def wait_until() -> Callable[[Callable[[], Any]], None]:
    """Waits for what happens on other threads; fails after ten seconds."""

    def wait(condition: Callable[[], Any], within_s: float = 10) -> None:
        deadline = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline, f"waited {within_s} s in vain"
            time.sleep(0.01)

    return wait
