"""Booking against 100,000 lessons and 500,000 claims in a PostgreSQL of its own: checks, weekly series, races.

Prints one table and one JSON line. Exits 1 when a bar is missed: check p99 < 2 ms, series p99 < 10 ms, races of 32
with one winner each, no deadlock, and p99 < 100 ms; and when the naive way, check and then insert, does not double-book
in the same race, for then the race could not be lost. Times are wall clock, over SQLAlchemy and a Unix socket, with
fsync as PostgreSQL ships it; they include what the machine does besides. Connections are open before they are timed, as
those of a service are, and the load ends with a checkpoint: a hundred thousand lessons are not booked in a minute.
"""

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

from postgresql_server import start_server, stop_server
from sqlalchemy import insert, text

from scheduler.clashes import Claim, Resource
from service.accounts.tables import User
from service.lessons.capacity import Amount, Counted
from service.lessons.claim_store import Hold, Refused, hold
from service.lessons.overlaps import overlapping
from service.lessons.tables import Lesson, LessonClaim
from service.organisation.tables import Organisation
from service.storage.base import new_id
from service.storage.database import Database

BARS_MS = {"check": 2.0, "series": 10.0, "race": 100.0}
TERM = datetime(2026, 9, 7, tzinfo=UTC)
WEEKS, DAYS, PERIODS = 18, 5, 8
LENGTH = timedelta(minutes=40)
PLACES = [
    TERM + timedelta(weeks=week, days=day, minutes=50 * period)
    for week in range(WEEKS)
    for day in range(DAYS)
    for period in range(PERIODS)
]
KINDS = ("room", "room", "teacher", "teacher", "class")
RELAY = Counted("relay", "relay-1")
WARM_UP_ROUNDS = 2


def main() -> int:
    """Run everything; 0 when every bar is held."""
    arguments = _arguments()
    server = start_server({})
    try:
        server.make_template()
        with server.copy_of_template("bench") as url:
            database = Database(url)
            try:
                result = _measure(database, arguments)
            finally:
                database.close()
    finally:
        stop_server(server)
    return _report(result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lessons", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=1_000, help="checks; a fifth as many series")
    parser.add_argument("--rounds", type=int, default=60, help="races")
    parser.add_argument("--racers", type=int, default=32)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def _measure(database: Database, arguments: argparse.Namespace) -> dict[str, Any]:
    rng = random.Random(arguments.seed)
    began = time.monotonic()
    world = _World(database, arguments.lessons, rng)
    loaded_s = time.monotonic() - began
    return {
        "lessons": arguments.lessons,
        "claims": arguments.lessons * len(KINDS),
        "load_s": round(loaded_s, 1),
        "check": _timed(world.check, arguments.repeats),
        "check_series": _timed(world.check_series, arguments.repeats // 5),
        "book": _timed(world.book, arguments.repeats // 5),
        "series": _timed(world.book_series, arguments.repeats // 5),
        "race": world.races(arguments.rounds, arguments.racers),
        "naive_winners": world.naive_winners(arguments.racers),
        "deadlocks": world.deadlocks(),
    }


class _World:
    """A term in which many lessons are booked, five resources each, none of them overlapping."""

    def __init__(self, database: Database, lessons: int, rng: random.Random) -> None:
        self._database = database
        self._rng = rng
        # Two thirds of every timetable are full.
        self._groups = max(1, round(lessons / (len(PLACES) * 0.67)))
        school = Organisation(id=new_id(), name="s", kind="school", path="/s/", created_at=TERM)
        teacher = User(
            username="t", username_key="t", display_name="t", password_hash="", role="teacher",
            organisation_id=school.id, locale="en", created_at=TERM,
        )  # fmt: skip
        with database.unit_of_work() as session:
            session.add(school)
            session.flush()
            session.add(teacher)
        self._row = {
            "kind": "synchronous", "title": "t", "subject": "s", "grade": "g", "state": "booked", "version": 1,
            "lead_school_id": school.id, "lead_teacher_id": teacher.id, "booked_by": teacher.id, "recorded": False,
            "created_at": TERM,
        }  # fmt: skip
        self._load(lessons)

    def _load(self, lessons: int) -> None:
        spots = [(group, at) for group in range(self._groups) for at in PLACES]
        taken = self._rng.sample(spots, min(lessons, len(spots)))
        for first in range(0, len(taken), 5_000):
            some = [(new_id(), *spot) for spot in taken[first : first + 5_000]]
            with self._database.unit_of_work() as session:
                session.execute(insert(Lesson), [self._lesson(lesson_id, at) for lesson_id, _group, at in some])
                rows = [row for lesson_id, group, at in some for row in self._rows(lesson_id, group, at)]
                session.execute(insert(LessonClaim), rows)
        with self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
            connection.execute(text("CHECKPOINT"))

    def _lesson(self, lesson_id: str, at: datetime) -> dict[str, Any]:
        return self._row | {"id": lesson_id, "starts_at": at, "ends_at": at + LENGTH}

    def _rows(self, lesson_id: str, group: int, at: datetime) -> list[dict[str, Any]]:
        return [
            {
                "id": new_id(), "lesson_id": lesson_id, "resource_kind": resource.kind, "resource_id": resource.id,
                "starts_at": at, "ends_at": at + LENGTH,
            }
            for resource in self._resources(group)
        ]  # fmt: skip

    @staticmethod
    def _resources(group: int) -> list[Resource]:
        return [Resource(kind, f"{kind}-{group}-{place}") for place, kind in enumerate(KINDS)]  # type: ignore[arg-type]

    def _claims(self, lesson_id: str, group: int, at: datetime) -> list[Claim]:
        return [Claim(resource, at, at + LENGTH, lesson_id) for resource in self._resources(group)]

    def _somewhere(self) -> tuple[int, datetime]:
        return self._rng.randrange(self._groups), self._rng.choice(PLACES)

    def check(self) -> None:
        """Ask whether five resources are free."""
        with self._database.reading() as session:
            overlapping(session, self._claims("-", *self._somewhere()))

    def check_series(self) -> None:
        """Ask the same of every week of the term."""
        group, at = self._somewhere()
        weeks = [TERM + timedelta(weeks=week) + (at - TERM) % timedelta(weeks=1) for week in range(WEEKS)]
        with self._database.reading() as session:
            overlapping(session, [claim for week in weeks for claim in self._claims("-", group, week)])

    def _new_lessons(self, times: Sequence[datetime]) -> list[str]:
        ids = [new_id() for _ in times]
        with self._database.unit_of_work() as session:
            session.execute(insert(Lesson), [self._lesson(*pair) for pair in zip(ids, times, strict=True)])
        return ids

    def _prepare(self, weeks: int) -> list[Hold]:
        # Evenings are free in every timetable, and each series takes another evening or another minute of it.
        group = self._rng.randrange(self._groups)
        start = TERM + timedelta(days=self._rng.randrange(DAYS), hours=10, minutes=self._rng.randrange(200))
        times = [start + timedelta(weeks=week) for week in range(weeks)]
        ids = self._new_lessons(times)
        amount = Amount(RELAY, 3, 1_000_000)
        return [
            Hold(lesson_id, tuple((claim, None) for claim in self._claims(lesson_id, group, at)), (amount,))
            for lesson_id, at in zip(ids, times, strict=True)
        ]

    def _hold(self, holds: Sequence[Hold]) -> None:
        try:
            with self._database.unit_of_work() as session:
                hold(session, holds)
        except Refused:
            pass  # taken by an earlier one: as much work up to there, and rare

    def book(self) -> Callable[[], None]:
        """Claim five resources and relay capacity for one lesson."""
        holds = self._prepare(1)
        return lambda: self._hold(holds)

    def book_series(self) -> Callable[[], None]:
        """Claim them for every week of the term: 90 claims in one transaction."""
        holds = self._prepare(WEEKS)
        return lambda: self._hold(holds)

    def races(self, rounds: int, racers: int) -> dict[str, Any]:
        """Let many claim one room and some others at one moment, again and again."""
        times: list[float] = []
        winners = []
        with ThreadPoolExecutor(racers) as pool:
            for number in range(WARM_UP_ROUNDS + rounds):
                at = TERM + timedelta(days=200 + number)
                ids = self._new_lessons([at] * racers)
                start = Barrier(racers)
                holds = [self._racer(lesson_id, at, index) for index, lesson_id in enumerate(ids)]

                def run(wanted: Hold, start: Barrier = start) -> tuple[bool, float]:
                    start.wait()
                    began = time.perf_counter()
                    try:
                        with self._database.unit_of_work() as session:
                            hold(session, [wanted])
                    except Refused:
                        return False, time.perf_counter() - began
                    return True, time.perf_counter() - began

                outcomes = list(pool.map(run, holds))
                winners.append(sum(won for won, _took in outcomes))
                times += [took for _won, took in outcomes if number >= WARM_UP_ROUNDS]
        return _percentiles(times) | {"rounds": rounds, "racers": racers, "winners": sorted(set(winners))}

    def naive_winners(self, racers: int) -> int:
        """How many of them book one room who look first and then write, with nothing that keeps others away."""
        with self._database.unit_of_work() as session:
            session.execute(text("CREATE TABLE naive_claims (room text)"))
        checked = Barrier(racers)

        def run(_index: int) -> None:
            with self._database.reading() as session:
                taken = session.scalar(text("SELECT COUNT(*) FROM naive_claims"))
            checked.wait()
            if not taken:
                with self._database.unit_of_work() as session:
                    session.execute(text("INSERT INTO naive_claims VALUES ('wanted-by-all')"))

        with ThreadPoolExecutor(racers) as pool:
            list(pool.map(run, range(racers)))
        with self._database.reading() as session:
            return int(session.scalar(text("SELECT COUNT(*) FROM naive_claims")) or 0)

    def _racer(self, lesson_id: str, at: datetime, index: int) -> Hold:
        rooms = ["wanted-by-all", *(f"room-{(index * step) % 7}" for step in (1, 3))]
        self._rng.shuffle(rooms)
        claims = [Claim(Resource("room", room), at, at + LENGTH, lesson_id) for room in dict.fromkeys(rooms)]
        return Hold(lesson_id, tuple((claim, None) for claim in claims), (Amount(RELAY, 1, 1_000_000),))

    def deadlocks(self) -> int:
        """Deadlocks that PostgreSQL found since it started."""
        with self._database.reading() as session:
            session.execute(text("SELECT pg_stat_force_next_flush()"))
        with self._database.reading() as session:
            return int(session.scalar(text("SELECT SUM(deadlocks) FROM pg_stat_database")) or 0)


def _timed(action: Callable[[], Callable[[], None] | None], repeats: int) -> dict[str, Any]:
    """Time the action, or what it gives back after preparing."""
    for _ in range(20):
        prepared = action()
        if prepared is not None:
            prepared()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        prepared = action()
        if prepared is not None:
            began = time.perf_counter()
            prepared()
        times.append(time.perf_counter() - began)
    return _percentiles(times)


def _percentiles(times: list[float]) -> dict[str, Any]:
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return {name: round(cuts[place - 1] * 1_000, 3) for name, place in (("p50", 50), ("p95", 95), ("p99", 99))}


def _report(result: dict[str, Any]) -> int:
    missed = [name for name, bar in BARS_MS.items() if result[name]["p99"] >= bar]
    missed += ["one winner"] if result["race"]["winners"] != [1] else []
    missed += ["no deadlock"] if result["deadlocks"] else []
    missed += ["a race that can be lost"] if result["naive_winners"] < 2 else []
    print(f"{result['lessons']} lessons, {result['claims']} claims, loaded in {result['load_s']} s")
    print(f"{'milliseconds':<16}{'p50':>9}{'p95':>9}{'p99':>9}{'bar (p99)':>11}")
    for name in ("check", "check_series", "book", "series", "race"):
        row = result[name]
        print(f"{name:<16}{row['p50']:>9.2f}{row['p95']:>9.2f}{row['p99']:>9.2f}{BARS_MS.get(name, ''):>11}")
    race = result["race"]
    print(f"races: {race['rounds']} of {race['racers']}, winners {race['winners']}, deadlocks {result['deadlocks']}")
    print(f"the naive way: {result['naive_winners']} winners")
    print(json.dumps(result | {"missed": missed}))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
