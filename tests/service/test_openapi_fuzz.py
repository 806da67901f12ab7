"""Schemathesis over the whole OpenAPI document, as every role: whatever is sent, within it or against it, nobody gets a
500, and nobody is told anything of a county that is none of their business.

Each address is asked by two of the roles, which ones follows from its name and FUZZ_SEED; with FUZZ_ROLES=all
(`make test-fuzz-api`) by every one.
"""

import io
import os
import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from zipfile import ZipFile

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from planted_secrets import SECRET, Planted, plant
from schemathesis.checks import not_a_server_error

EVERY_ROLE = os.environ.get("FUZZ_ROLES") == "all"
SEED = os.environ.get("FUZZ_SEED", "0")
BOUNDED = settings(
    max_examples=12 if EVERY_ROLE else 6,
    derandomize=True,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
ABOVE_ALL = frozenset({"system", "prefecture"})
ROLES = (
    "system",
    "prefecture",
    "county_north",
    "school_north",
    "teacher_north",
    "researcher_north",
    "inspector_north",
    "device",
    "anonymous",
)
AT_ONCE = 2
PARTS = 6 if EVERY_ROLE else 2
"""In so many tests the addresses are asked: they may run beside each other."""
SIGNS_OUT = "DELETE /api/session"
"""Signing out would turn all that follows into 401."""
BOOKERS = frozenset({"county_north", "school_north", "teacher_north"})
TEACHER = {"user_id", "teacher_id", "lead_teacher_id", "accompanying_teacher_id", "target_id"}
SCHOOL = {"organisation_id", "school_id", "audience_id"}
SHOWN_TO_BOOKERS: dict[str, set[str]] = {
    "GET /api/teachers": {SECRET} | TEACHER | SCHOOL,
    "GET /api/classes": {SECRET, "class_id"} | SCHOOL,
    "GET /api/rooms": {SECRET, "room_id", "lead_room_id"} | SCHOOL,
}
"""Whoever books for one school may look for the other side's teacher, class and room in any other: that is what a
booking is. Of what those schools do with them, nothing."""

Ids = dict[str, str]


class World:
    """Callers, ids of their own county and of the foreign one, and the database as it was at first."""

    def __init__(self, callers: dict[str, Any], own: Ids, planted: Planted, live: str, kept: Path) -> None:
        self.callers, self.own, self.planted = callers, own, planted
        self._live, self._kept = live, kept
        with closing(sqlite3.connect(kept)) as copy, closing(sqlite3.connect(live)) as now:
            now.backup(copy)

    def put_back(self) -> None:
        """Undo what was asked so far."""
        with closing(sqlite3.connect(self._kept)) as copy, closing(sqlite3.connect(self._live)) as now:
            copy.backup(now)


@pytest.fixture
def world(
    signed_in: Any,
    as_device: Any,
    anonymous: Any,
    lesson_request: Any,
    rooms: Any,
    clock: Any,
    parts: Any,
    tmp_path: Path,
) -> Iterator[World]:
    with parts.database.unit_of_work() as session:
        planted = plant(session, rooms.organisations["county_south"], clock.now())
    callers = {name: signed_in(name) for name in ROLES if name not in {"device", "anonymous"}}
    callers |= {"device": as_device("lead room"), "anonymous": anonymous}
    lesson = callers["teacher_north"].post("/api/lessons", lesson_request("village room")).json()
    school = rooms.organisations["school_north_1"].id
    own = dict.fromkeys(("organisation_id", "school_id", "audience_id"), school)
    own |= dict.fromkeys(("user_id", "teacher_id", "lead_teacher_id", "target_id"), rooms.users["teacher_north"].id)
    own |= dict.fromkeys(("room_id", "lead_room_id"), rooms.rooms["lead room"].id)
    own |= {"lesson_id": lesson["id"], "receiver_id": lesson["receivers"][0]["id"]}
    live = parts.configuration.effective_database_url.removeprefix("sqlite:///")
    yield World(callers, own, planted, live, tmp_path / "kept.sqlite3")


@pytest.fixture
def operations(world: World) -> dict[str, Any]:
    """Every operation of the document, by method and path."""
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", world.callers["system"].client.app)
    found = (result.ok() for result in schema.get_all_operations())
    by_name = {f"{operation.method.upper()} {operation.path}": operation for operation in found}
    assert len(by_name) > 100
    del by_name[SIGNS_OUT]
    return by_name


def roles_of(address: str) -> list[str]:
    """Who asks it this time."""
    return list(ROLES) if EVERY_ROLE else random.Random(f"{SEED} {address}").sample(ROLES, AT_ONCE)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("part", range(PARTS))
def test_no_request_the_document_allows_or_forbids_is_answered_with_500_or_tells_a_secret(
    world: World, operations: dict[str, Any], part: int
) -> None:
    seen: Counter[int] = Counter()
    asked = set()
    for address, operation in list(operations.items())[part::PARTS]:
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            fuzz(world, roles_of(address), operation, mode, seen)
        asked |= set(roles_of(address))
        if not address.startswith("GET"):
            world.put_back()
    assert asked == set(ROLES)
    assert {200, 401, 403, 404, 422} <= set(seen), "the requests did not get past the door"


@pytest.mark.slow
def test_whoever_asks_for_what_is_foreign_by_its_id_is_told_nothing_of_it(
    world: World, operations: dict[str, Any]
) -> None:
    """Reading, with the ids of the foreign county wherever an id is asked for."""
    told: dict[str, set[str]] = {}
    answered: Counter[int] = Counter()
    for address, operation in operations.items():
        if not address.startswith("GET"):
            continue
        path = operation.path.format_map(Fallback(world.planted.ids))
        names = [parameter.name for parameter in operation.query]
        query = {name: world.planted.ids[name] for name in names if name in world.planted.ids}
        for role in ROLES:
            for parameters in (query, {}):
                answer = world.callers[role].get(path, params=parameters)
                answered[answer.status_code] += 1
                leaks = leaks_of(world, role, address, answer.content, str(answer.request.url))
                if leaks:
                    told.setdefault(f"{address} {role}", set()).update(leaks)
    assert not told, "\n".join(f"{who}: {sorted(what)}" for who, what in sorted(told.items()))
    assert {200, 403, 404} <= set(answered)


class Fallback(dict[str, str]):
    """What a path names, and something of the right form for what it does not."""

    def __missing__(self, key: str) -> str:
        return {"kind": "teacher", "file_name": "a.webm"}.get(key, "0" * 32)


def credentials(caller: Any) -> dict[str, str]:
    headers = {
        name: caller.client.headers[name] for name in ("X-CSRF-Token", "Authorization") if name in caller.client.headers
    }
    cookies = "; ".join(f"{name}={value}" for name, value in caller.client.cookies.items())
    return headers | ({"Cookie": cookies} if cookies else {})


def fuzz(world: World, roles: list[str], operation: Any, mode: Any, seen: Counter[int]) -> None:
    from hypothesis import given
    from hypothesis.errors import Unsatisfiable

    @BOUNDED
    @given(case=operation.as_strategy(generation_mode=mode), known=st.sampled_from([{}, world.own, world.planted.ids]))
    def run(case: Any, known: Ids) -> None:
        name_real_things(case, known)
        for role in roles:
            answer = case.call(headers=credentials(world.callers[role]))
            seen[answer.status_code] += 1
            where = f"{mode.value} {case.method} {case.formatted_path} as {role}"
            assert answer.status_code < 500, f"{where}: {answer.text}"
            case.validate_response(answer, checks=[not_a_server_error])
            leaks = leaks_of(world, role, f"{case.method} {case.path}", answer.content, asked_by(answer.request))
            assert not leaks, f"{where} told {leaks}: {answer.text[:500]}"

    try:
        run()
    except Unsatisfiable:
        return  # an operation without parameters has nothing wrong to send


def name_real_things(case: Any, known: Ids) -> None:
    """Put ids of things that exist where made-up ones stand, in the path, the query and the body."""
    for part in (case.path_parameters, case.query, case.body):
        replace(part, known)


def replace(part: Any, known: Ids) -> None:
    if isinstance(part, dict):
        for name, value in part.items():
            if isinstance(value, str) and name in known:
                part[name] = known[name]
            else:
                replace(value, known)
    elif isinstance(part, list):
        for item in part:
            replace(item, known)


def asked_by(request: Any) -> str:
    """Everything the caller said."""
    body = request.body or b""
    return unquote(request.url) + (body if isinstance(body, str) else bytes(body).decode(errors="replace"))


def words_of(content: bytes) -> str:
    """What stands in an answer; workbooks and documents are opened."""
    if not content.startswith(b"PK"):
        return content.decode(errors="replace")
    with ZipFile(io.BytesIO(content)) as archive:
        return "".join(archive.read(name).decode(errors="replace") for name in archive.namelist())


def leaks_of(world: World, role: str, address: str, answer: bytes, asked: str) -> set[str]:
    """What of the foreign county stands in an answer, without what the role may see."""
    if role in ABOVE_ALL:
        return set()
    shown = SHOWN_TO_BOOKERS.get(address, set()) if role in BOOKERS else set()
    return set(world.planted.told_by(words_of(answer), asked)) - shown
