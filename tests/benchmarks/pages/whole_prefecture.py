"""How long lists take with a whole prefecture in the service: 1,194 schools, 11,878 classes, 10,445 demands, a plan.

    python tests/benchmarks/pages/whole_prefecture.py [--size full|1/4|1/20] [--repeats 20]

The generated instance becomes rows of an SQLite database in a temporary folder; every address a page asks is asked
through the application itself. Prints a table and a JSON line with p50 and p95 in milliseconds.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[2] / "service"))

from conftest import NoRecordings
from sqlalchemy import insert
from starlette.testclient import TestClient

from scheduler.instance.generator import generate
from scheduler.instance.snapshot import DAY_MINUTES, Snapshot
from service.accounts.roles import Role
from service.accounts.sessions import csrf_token_of, open_session
from service.accounts.tables import User
from service.application import create_application
from service.bus.memory import MemoryBus
from service.configuration import Configuration
from service.lessons.tables import Lesson, LessonClaim, Receiver
from service.organisation.curriculum import GRADES
from service.organisation.tables import Organisation, Period, SchoolClass, Term
from service.parts import Parts
from service.planning.solving import Order, solve_here
from service.planning.tables import ClassPeriod, Demand, LeadSeries, LeadTeacher, Pact, SchoolCapacity, SeriesTime
from service.rooms.tables import Room
from service.security.cookies import SESSION_COOKIE
from service.storage.database import Database
from service.storage.schema import prepare_schema

GRADE_CODES = list(GRADES)
WEEK_LESSONS = 8


def identity(name: str) -> str:
    """A row's id for an instance's."""
    return md5(name.encode(), usedforsecurity=False).hexdigest()


class Loading:
    """The instance as rows."""

    def __init__(self, parts: Parts, snapshot: Snapshot) -> None:
        self.parts, self.snapshot, self.now = parts, snapshot, parts.clock.now()
        self.rows: dict[type[Any], list[dict[str, Any]]] = defaultdict(list)
        self.root = identity("prefecture")
        self.paths: dict[str, str] = {}

    def run(self) -> None:
        """Write everything."""
        self._places()
        self._people_and_rooms()
        self._timetables()
        order = (Organisation, User, SchoolClass, Room, Period, Term, SchoolCapacity, LeadTeacher, LeadSeries,
                 SeriesTime, Demand, ClassPeriod, Pact, Lesson, Receiver, LessonClaim)  # fmt: skip
        self._lessons()
        with self.parts.database.unit_of_work() as session:
            for table in order:
                for at in range(0, len(self.rows[table]), 2000):
                    session.execute(insert(table), self.rows[table][at : at + 2000])

    def _place(self, key: str, name: str, kind: str, parent: str | None) -> None:
        above = self.paths[parent] if parent else "/"
        self.paths[key] = f"{above}{identity(key)}/"
        self.rows[Organisation].append(
            {
                "id": identity(key),
                "parent_id": identity(parent) if parent else None,
                "name": name,
                "kind": kind,
                "path": self.paths[key],
                "is_root": True if parent is None else None,
                "created_at": self.now,
            }
        )

    def _places(self) -> None:
        self._place("prefecture", "青禾州", "prefecture", None)
        for number, county in enumerate(sorted({school.county for school in self.snapshot.schools}), 1):
            self._place(f"county {county}", f"第{number}县", "county", "prefecture")
        for number, school in enumerate(self.snapshot.schools, 1):
            self._place(school.id, f"第{number}小学", "school", f"county {school.county}")
            self.rows[SchoolCapacity].append(
                {
                    "organisation_id": identity(school.id),
                    "receiving_kits": school.kits,
                    "down_kbps": school.down_kbps,
                    "up_kbps": school.up_kbps,
                    "relay": school.node,
                }
            )
            for kit in range(max(1, school.kits)):
                self._room(f"kit {school.id} {kit}", f"听课教室{kit + 1}", school.id, False)
        self.rows[Term].append(
            {
                "id": identity("term"),
                "organisation_id": self.root,
                "name": "学期",
                "starts_on": self.now.date() - timedelta(days=20),
                "ends_on": self.now.date() + timedelta(days=100),
            }
        )

    def _room(self, key: str, name: str, school: str, can_lead: bool) -> None:
        self.rows[Room].append(
            {
                "id": identity(key),
                "organisation_id": identity(school),
                "name": name,
                "can_lead": can_lead,
                "recording_consent": "granted",
                "created_at": self.now,
            }
        )

    def _user(self, key: str, name: str, role: Role, place: str) -> None:
        self.rows[User].append(
            {
                "id": identity(key),
                "username": key,
                "username_key": key,
                "display_name": name,
                "password_hash": "",
                "role": role,
                "organisation_id": identity(place),
                "locale": "zh-CN",
                "disabled": False,
                "created_at": self.now,
            }
        )

    def _people_and_rooms(self) -> None:
        self._user("administrator", "州管理员", Role.PREFECTURE_ADMINISTRATOR, "prefecture")
        for number, teacher in enumerate(self.snapshot.teachers, 1):
            self._user(teacher.id, f"教师{number}", Role.TEACHER, teacher.school)
            self.rows[LeadTeacher].append({"user_id": identity(teacher.id), "weekly_limit": teacher.weekly_limit})
        for number, studio in enumerate(self.snapshot.studios, 1):
            self._room(studio.id, f"录播教室{number}", studio.school, True)

    def _timetables(self) -> None:
        bells = self._bells()
        number_of = {school: {span: at for at, span in enumerate(spans, 1)} for school, spans in bells.items()}
        for school, spans in bells.items():
            for at, (start, end) in enumerate(spans, 1):
                clock = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in (start, end)]
                period = {"organisation_id": identity(school), "number": at, "starts": clock[0], "ends": clock[1]}
                self.rows[Period].append(period)
        for one in self.snapshot.classes:
            row = {"id": identity(one.id), "organisation_id": identity(one.school), "created_at": self.now}
            self.rows[SchoolClass].append(row | {"name": one.id[-20:], "grade": "grade_3"})
            for start, end in one.free:
                day = start // DAY_MINUTES
                hour = number_of[one.school][start % DAY_MINUTES, end - day * DAY_MINUTES]
                free = {"class_id": identity(one.id), "weekday": day, "period": hour, "free": True, "subject": ""}
                self.rows[ClassPeriod].append(free)
        school_of = {studio.id: studio.school for studio in self.snapshot.studios}
        for one in self.snapshot.series:
            school = school_of[one.studio]
            self.rows[LeadSeries].append(
                {
                    "id": identity(one.id),
                    "organisation_id": identity(school),
                    "code": one.id[-50:],
                    "kind": one.kind,
                    "teacher_id": identity(one.teacher),
                    "room_id": identity(one.studio),
                    "class_id": None,
                    "subject": one.subject,
                    "grade": GRADE_CODES[one.grade - 1],
                    "edition": one.edition,
                    "seats": one.seats,
                    "lessons": one.lessons,
                    "active": True,
                    "created_at": self.now,
                }
            )
            for start, end in one.times:
                day = start // DAY_MINUTES
                hour = number_of[school][start % DAY_MINUTES, end - day * DAY_MINUTES]
                time_row = {"series_id": identity(one.id), "weekday": day, "period": hour, "weeks": "every"}
                self.rows[SeriesTime].append(time_row)
        for one in self.snapshot.demands:
            self.rows[Demand].append(
                {
                    "id": identity(one.id),
                    "class_id": identity(one.class_id),
                    "subject": one.subject,
                    "grade": GRADE_CODES[one.grade - 1],
                    "edition": one.edition,
                    "lessons": one.lessons,
                    "last_lead_id": identity(one.last_lead) if one.last_lead else None,
                    "created_at": self.now,
                }
            )
        for one, other in self.snapshot.pacts:
            first, second = sorted((identity(one), identity(other)))
            self.rows[Pact].append({"id": identity(f"{one}{other}"), "one_id": first, "other_id": second, "name": ""})

    def _bells(self) -> dict[str, list[tuple[int, int]]]:
        """Each school's periods: the spans its classes and series use, later ones that overlap an earlier left out."""
        spans: dict[str, set[tuple[int, int]]] = defaultdict(set)
        school_of = {studio.id: studio.school for studio in self.snapshot.studios}
        used = [(one.school, span) for one in self.snapshot.classes for span in one.free]
        used += [(school_of[one.studio], span) for one in self.snapshot.series for span in one.times]
        for school, (start, end) in used:
            spans[school].add((start % DAY_MINUTES, end - DAY_MINUTES * (start // DAY_MINUTES)))
        return {school: sorted(found) for school, found in spans.items()}

    def _lessons(self) -> None:
        """Eight weeks of the first weekly time of every series, with one receiving room."""
        school_of = {studio.id: studio.school for studio in self.snapshot.studios}
        rooms = [row for row in self.rows[Room] if not row["can_lead"]]
        monday = self.now.replace(hour=0, minute=0) - timedelta(days=self.now.weekday())
        for at, one in enumerate(self.snapshot.series):
            start, end = one.times[0]
            for week in range(WEEK_LESSONS):
                key = identity(f"lesson {one.id} {week}")
                begins = monday + timedelta(days=7 * week, minutes=start - 480)
                times = {"starts_at": begins, "ends_at": begins + timedelta(minutes=end - start)}
                self.rows[Lesson].append(
                    {
                        "id": key,
                        "kind": "synchronous",
                        "title": f"第{at}课",
                        "subject": one.subject,
                        "grade": GRADE_CODES[one.grade - 1],
                        "state": "booked",
                        "lead_school_id": identity(school_of[one.studio]),
                        "lead_room_id": identity(one.studio),
                        "lead_teacher_id": identity(one.teacher),
                        "recorded": False,
                        "version": 1,
                        "booked_by": identity("administrator"),
                        "created_at": self.now,
                    }
                    | times
                )
                room = rooms[(at * 7 + week) % len(rooms)]
                receiver = {"id": identity(f"receiver {key}"), "lesson_id": key, "position": 0, "room_id": room["id"]}
                self.rows[Receiver].append(receiver | {"state": "accepted", "note": ""})


def addresses(plan_id: str, school: str) -> Iterator[tuple[str, str]]:
    """What pages ask, by name."""
    yield "organisations (whole tree)", "/api/organisations"
    yield "people, first page", "/api/users?limit=50"
    yield "people, search", "/api/users?limit=50&q=教师1"
    yield "teachers, search", "/api/teachers?q=教师12"
    yield "rooms, first page", "/api/rooms?limit=50"
    yield "rooms, search", "/api/rooms?bookable=true&q=第12"
    yield "classes of a school", f"/api/classes?organisation_id={school}&limit=200"
    yield "lessons, first page", "/api/lessons?limit=50"
    yield "lessons, last page", "/api/lessons?limit=50&offset=20000"
    yield "lessons of a week", "/api/lessons?from=2026-11-23T00:00:00Z&to=2026-11-30T00:00:00Z&limit=200"
    yield "waiting for an answer", "/api/lessons?awaiting=true&limit=20"
    yield "events", "/api/events"
    yield "inbox", "/api/notices"
    yield "week of a school", f"/api/week?monday=2026-11-23&school_id={school}"
    yield "plans", "/api/plans"
    yield "a plan", f"/api/plans/{plan_id}"
    yield "demands, first page", f"/api/plans/{plan_id}/demands?limit=50"
    yield "demands, search", f"/api/plans/{plan_id}/demands?limit=50&q=第12小学"
    yield "coverage map", f"/api/plans/{plan_id}/coverage"
    yield "schools of a plan", f"/api/plans/{plan_id}/schools?limit=30"
    yield "what binds", f"/api/plans/{plan_id}/binding"
    yield "targets, teachers", f"/api/plans/{plan_id}/targets?kind=teachers&q=教师12"
    yield "targets, demands", f"/api/plans/{plan_id}/targets?kind=served&q=第12"
    yield "compare with itself", f"/api/plans/{plan_id}/compare/{plan_id}"


def measure(parts: Parts, size: str, seconds: int, repeats: int) -> None:
    """Make a plan, ask everything, print."""
    token = ""
    with parts.database.unit_of_work() as session:
        token = open_session(session, identity("administrator"), parts.clock.now(), timedelta(days=1))
    client = TestClient(create_application(parts), base_url="http://testserver")
    client.cookies.set(SESSION_COOKIE, token)
    client.headers["X-CSRF-Token"] = csrf_token_of(token)
    began = time.perf_counter()
    body = {"term_id": identity("term"), "name": "全州", "budget_seconds": max(5, seconds)}
    asked = client.post("/api/plans", json=body)
    assert asked.status_code == 202, asked.text
    frozen_s = time.perf_counter() - began
    plan_id = asked.json()["id"]
    parts.planning._solver = Here(seconds)
    parts.planning.make(plan_id)
    state = client.get(f"/api/plans/{plan_id}").json()
    assert state["state"] == "done", state
    school = next(one["id"] for one in client.get("/api/organisations?kind=school&limit=20").json()["items"])
    found: dict[str, tuple[float, float, int]] = {}
    for name, address in addresses(plan_id, school):
        took: list[float] = []
        for _ in range(repeats + 1):
            start = time.perf_counter()
            answer = client.get(address)
            took.append((time.perf_counter() - start) * 1000)
            assert answer.status_code == 200, (address, answer.text)
        took = sorted(took[1:])
        found[name] = statistics.median(took), took[int(0.95 * (len(took) - 1))], len(answer.content)
    print(f"{'':34}{'p50 ms':>9}{'p95 ms':>9}{'KiB':>8}")
    for name, (p50, p95, size_bytes) in found.items():
        print(f"{name:34}{p50:9.1f}{p95:9.1f}{size_bytes / 1024:8.0f}")
    print(
        json.dumps(
            {"size": size, "freeze_s": round(frozen_s, 1), "p95_ms": {k: round(v[1], 1) for k, v in found.items()}}
        )
    )


class Here:
    """Solves in this process within the seconds given."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds

    def solve(self, name: str, order: Order, report: Any) -> str:
        return solve_here(Order(order.snapshot, self.seconds, order.seed), report)

    def cancel(self, name: str) -> None:
        """Nothing runs beside it."""

    def stop(self) -> None:
        """Nothing runs beside it."""


class Fixed:
    """A clock that stands."""

    def now(self) -> datetime:
        return datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


def main() -> None:
    """Load, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="full")
    parser.add_argument("--seconds", type=int, default=40, help="how long the plan may be searched")
    parser.add_argument("--repeats", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        configuration = Configuration(data_folder=Path(folder), database_url=f"sqlite:///{folder}/whole.sqlite3")
        database = Database(configuration.effective_database_url)
        prepare_schema(database)
        parts = Parts(
            configuration=configuration,
            database=database,
            bus=MemoryBus(),
            recording_maker=NoRecordings(),
            relay_ids=("relay-1",),
            clock=Fixed(),
        )
        began = time.perf_counter()
        Loading(parts, generate(arguments.size, 7)).run()
        print(f"loaded in {time.perf_counter() - began:.1f} s", flush=True)
        measure(parts, arguments.size, arguments.seconds, arguments.repeats)
        database.close()


if __name__ == "__main__":
    main()
