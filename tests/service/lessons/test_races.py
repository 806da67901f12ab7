"""Many want the same at the same moment, on both databases: one wins, nothing deadlocks, nothing exceeds what there is.

The naive way, check and then insert, is run in the same race and double-books: so the race can be lost.
"""

import multiprocessing
import os
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from scheduler.clashes import Claim, Resource
from service.accounts.roles import Role
from service.lessons.capacity import Amount, Counted
from service.lessons.claim_store import Hold, Refused, hold
from service.lessons.tables import CapacitySlot, Lesson, LessonClaim
from service.storage.base import new_id
from service.storage.database import Database

RACERS = 32
STARTS = datetime(2026, 9, 8, 1, 0, tzinfo=UTC)
MINUTES_40 = timedelta(minutes=40)


@pytest.fixture
def lessons(rooms: Any, parts: Any) -> list[str]:
    """Bare lessons that hold nothing yet, one for each racer."""
    teacher = rooms.users["teacher_north"]
    ids = [new_id() for _ in range(RACERS)]
    with parts.database.unit_of_work() as session:
        session.add_all(
            Lesson(
                id=identity,
                kind="synchronous",
                title="race",
                subject="mathematics",
                grade="grade_5",
                starts_at=STARTS,
                ends_at=STARTS + MINUTES_40,
                lead_school_id=teacher.organisation_id,
                lead_teacher_id=teacher.id,
                recorded=False,
                booked_by=teacher.id,
                created_at=STARTS,
            )
            for identity in ids
        )
    return ids


def wanting(lesson_id: str, *rooms: str, amount: Amount | None = None) -> Hold:
    claims = tuple((Claim(Resource("room", room), STARTS, STARTS + MINUTES_40, lesson_id), None) for room in rooms)
    return Hold(lesson_id, claims, (amount,) if amount else ())


def race(lessons: list[str], attempt: Any) -> Counter[str]:
    start = Barrier(len(lessons))

    def run(index: int) -> str:
        start.wait()
        try:
            attempt(index, lessons[index])
        except Refused:
            return "refused"
        return "won"

    with ThreadPoolExecutor(len(lessons)) as pool:
        return Counter(pool.map(run, range(len(lessons))))


def test_of_32_racers_for_overlapping_rooms_exactly_one_wins_and_the_naive_way_double_books(
    lessons: list[str], parts: Any
) -> None:
    # Every racer wants the room all want, and some others in an order of its own: locks taken as they come would cross.
    def rooms_of(index: int) -> list[str]:
        others = [f"room-{(index * step) % 7}" for step in (1, 3)]
        return [*dict.fromkeys([*others, "the-room"])] if index % 2 else [*dict.fromkeys(["the-room", *others])]

    def book(index: int, lesson_id: str) -> None:
        with parts.database.unit_of_work() as session:
            hold(session, [wanting(lesson_id, *rooms_of(index))])

    assert race(lessons, book) == {"won": 1, "refused": RACERS - 1}
    with parts.database.reading() as session:
        held = session.scalars(select(LessonClaim.lesson_id).where(LessonClaim.resource_id == "the-room")).all()
        every = set(session.scalars(select(LessonClaim.lesson_id)))
    assert len(held) == 1
    assert every == set(held)

    # The same race, checked and then inserted, into a table that nothing guards.
    with parts.database.unit_of_work() as session:
        session.execute(text("CREATE TABLE naive_claims (lesson_id VARCHAR(32), resource_id VARCHAR(32))"))
    checked = Barrier(RACERS)

    def book_naively(_index: int, lesson_id: str) -> None:
        with parts.database.reading() as session:
            taken = session.scalar(text("SELECT COUNT(*) FROM naive_claims WHERE resource_id = 'the-room'"))
        checked.wait()
        if taken == 0:
            with parts.database.unit_of_work() as session:
                session.execute(text("INSERT INTO naive_claims VALUES (:id, 'the-room')"), {"id": lesson_id})

    assert race(lessons, book_naively) == {"won": RACERS}
    with parts.database.reading() as session:
        assert session.scalar(text("SELECT COUNT(*) FROM naive_claims")) > 1


def test_the_schema_itself_refuses_what_the_naive_way_would_write(lessons: list[str], parts: Any) -> None:
    def insert(lesson_id: str, starts_at: datetime) -> None:
        with parts.database.unit_of_work() as session:
            session.add(
                LessonClaim(
                    lesson_id=lesson_id,
                    resource_kind="room",
                    resource_id="the-room",
                    starts_at=starts_at,
                    ends_at=starts_at + MINUTES_40,
                )
            )

    insert(lessons[0], STARTS)
    insert(lessons[1], STARTS + MINUTES_40)
    with pytest.raises(IntegrityError):
        insert(lessons[2], STARTS + timedelta(minutes=39))
    with pytest.raises(IntegrityError), parts.database.unit_of_work() as session:
        session.execute(
            LessonClaim.__table__.update().where(LessonClaim.lesson_id == lessons[1]).values(starts_at=STARTS)
        )


def test_no_cap_is_exceeded_by_racers_and_all_of_it_is_used(lessons: list[str], parts: Any) -> None:
    cap = 10

    def book(index: int, lesson_id: str) -> None:
        amount = Amount(Counted("relay", "relay-1"), 1 + index % 2, cap)
        with parts.database.unit_of_work() as session:
            hold(session, [wanting(lesson_id, f"room-{index}", amount=amount)])

    outcome = race(lessons, book)
    assert outcome["won"] + outcome["refused"] == RACERS
    with parts.database.reading() as session:
        used = session.scalars(select(CapacitySlot.used)).all()
    assert len(used) == 8
    assert set(used) <= {cap - 1, cap}


def book_and_hang(url: str, lesson_id: str, claimed: Any) -> None:
    database = Database(url)
    with database.unit_of_work() as session:
        hold(session, [wanting(lesson_id, "the-room", amount=Amount(Counted("relay", "relay-1"), 1, 1))])
        claimed.set()
        signal.pause()


def test_a_client_killed_in_mid_transaction_holds_nothing(lessons: list[str], parts: Any) -> None:
    spawning = multiprocessing.get_context("spawn")
    claimed = spawning.Event()
    url = parts.configuration.effective_database_url
    client = spawning.Process(target=book_and_hang, args=(url, lessons[0], claimed))
    client.start()
    assert claimed.wait(60)
    assert client.pid is not None
    os.kill(client.pid, signal.SIGKILL)
    client.join()
    limit = Amount(Counted("relay", "relay-1"), 1, 1)
    with parts.database.unit_of_work() as session:
        hold(session, [wanting(lessons[1], "the-room", amount=limit)])
    with pytest.raises(Refused) as refused, parts.database.unit_of_work() as session:
        hold(session, [wanting(lessons[2], "another-room", amount=limit)])
    assert [(short.counted, short.free) for short in refused.value.shortages] == [(limit.counted, 0)]
    with parts.database.reading() as session:
        assert session.scalars(select(LessonClaim.lesson_id)).all() == [lessons[1]]
        assert set(session.scalars(select(CapacitySlot.used))) == {1}


def test_a_refused_hold_leaves_what_the_lesson_held(lessons: list[str], parts: Any) -> None:
    with parts.database.unit_of_work() as session:
        hold(session, [wanting(lessons[0], "a"), wanting(lessons[1], "b")])
    with parts.database.unit_of_work() as session:
        with pytest.raises(Refused):
            hold(session, [wanting(lessons[1], "a", "c")])
        hold(session, [wanting(lessons[2], "c")])
    with parts.database.reading() as session:
        held = session.execute(select(LessonClaim.lesson_id, LessonClaim.resource_id)).all()
    assert set(map(tuple, held)) == {(lessons[0], "a"), (lessons[1], "b"), (lessons[2], "c")}


def test_more_resources_than_there_are_locks_for_are_claimed_at_once(lessons: list[str], parts: Any) -> None:
    rooms = [f"room-{number}" for number in range(2_000)]
    amount = Amount(Counted("relay", "relay-1"), 1, 5)
    with parts.database.unit_of_work() as session:
        hold(session, [wanting(lessons[0], *rooms, amount=amount)])
    with pytest.raises(Refused) as refused, parts.database.unit_of_work() as session:
        hold(session, [wanting(lessons[1], *rooms)])
    assert len(refused.value.clashes) == len(rooms)


def test_racers_over_http_get_one_lesson_and_clear_refusals(
    signed_in: Any, lesson_request: Any, rooms: Any, parts: Any
) -> None:
    body = lesson_request("south room")
    del body["lead_room_id"]  # so that the receiving room is all they share
    for index in range(8):
        rooms.add_user(f"racer_{index}", Role.TEACHER, "school_north_1")
    racers = [signed_in(f"racer_{index}") for index in range(8)]
    start = Barrier(len(racers))

    def book(racer: Any) -> Any:
        start.wait()
        return racer.post("/api/lessons", body)

    with ThreadPoolExecutor(len(racers)) as pool:
        answers = list(pool.map(book, racers))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"booking_conflict"}
    with parts.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Lesson)) == 1


def test_racers_with_the_same_idempotency_key_get_one_lesson(signed_in: Any, lesson_request: Any) -> None:
    callers = [signed_in("teacher_north") for _ in range(4)]
    start = Barrier(len(callers))

    def book(caller: Any) -> Any:
        start.wait()
        return caller.post("/api/lessons", lesson_request(), headers={"Idempotency-Key": "once"})

    with ThreadPoolExecutor(len(callers)) as pool:
        answers = list(pool.map(book, callers))
    assert [answer.status_code for answer in answers] == [201] * len(callers)
    assert len({answer.json()["id"] for answer in answers}) == 1
