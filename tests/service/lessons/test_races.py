"""Many book the same room at the same moment: one wins. The naive way, check and then insert, double-books."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.engine import create_engine

from service.accounts.roles import Role
from service.lessons.tables import Lesson, LessonClaim
from service.storage.base import new_id

RACERS = 8


def test_of_many_racers_for_one_room_exactly_one_wins(
    signed_in: Any, lesson_request: Any, rooms: Any, parts: Any
) -> None:
    body = lesson_request("south room")
    del body["lead_room_id"]  # so that the receiving room is all they share
    for index in range(RACERS):
        rooms.add_user(f"racer_{index}", Role.TEACHER, "school_north_1")
    racers = [signed_in(f"racer_{index}") for index in range(RACERS)]
    start = Barrier(RACERS)

    def book(racer: Any) -> Any:
        start.wait()
        return racer.post("/api/lessons", body)

    with ThreadPoolExecutor(RACERS) as pool:
        answers = list(pool.map(book, racers))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * (RACERS - 1)
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"booking_conflict"}
    with parts.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Lesson)) == 1
        held = select(func.count()).where(LessonClaim.resource_id == rooms.rooms["south room"].id)
        assert session.scalar(held) == 1


def test_the_naive_way_double_books(signed_in: Any, lesson_request: Any, rooms: Any, parts: Any) -> None:
    """Without the one transaction the same race is lost: so the test above tests something."""
    lesson = signed_in("teacher_north").post("/api/lessons", lesson_request("far room")).json()
    engine = create_engine(parts.configuration.effective_database_url)
    wanted = {
        "lesson_id": lesson["id"],
        "resource_kind": "room",
        "resource_id": rooms.rooms["south room"].id,
        "starts_at": parts.clock.now(),
        "ends_at": parts.clock.now().replace(hour=23),
    }
    checked = Barrier(2)

    def book_naively(other_lesson: str) -> None:
        with engine.connect() as connection:
            taken = select(func.count()).where(LessonClaim.resource_id == wanted["resource_id"])
            is_free = connection.scalar(taken) == 0
            connection.commit()
            checked.wait()
            if is_free:
                connection.execute(insert(LessonClaim).values(wanted | {"id": new_id(), "lesson_id": other_lesson}))
                connection.commit()

    second = signed_in("teacher_north").post("/api/lessons", lesson_request("village room", in_minutes=300)).json()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(book_naively, [lesson["id"], second["id"]]))
    with engine.connect() as connection:
        taken = select(func.count()).where(LessonClaim.resource_id == wanted["resource_id"])
        assert connection.scalar(taken) == 2
    engine.dispose()


def test_racers_with_the_same_idempotency_key_get_one_lesson(
    signed_in: Any, lesson_request: Any, new_client: Any, parts: Any
) -> None:
    callers = [signed_in("teacher_north") for _ in range(4)]
    start = Barrier(len(callers))

    def book(caller: Any) -> Any:
        start.wait()
        return caller.post("/api/lessons", lesson_request(), headers={"Idempotency-Key": "once"})

    with ThreadPoolExecutor(len(callers)) as pool:
        answers = list(pool.map(book, callers))
    assert [answer.status_code for answer in answers] == [201] * len(callers)
    assert len({answer.json()["id"] for answer in answers}) == 1
