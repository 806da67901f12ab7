"""What is counted is kept: links and kits of schools, rooms of a relay; refusals say what is short and what is free."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from service.lessons.tables import CapacitySlot
from service.organisation.bells import replace_bells
from service.organisation.tables import Organisation
from service.planning.tables import SchoolCapacity


def limit(rooms: Any, school: str, *, kits: int = 9, down: int = 90_000, up: int = 90_000) -> None:
    with rooms.parts.database.unit_of_work() as session:
        session.merge(
            SchoolCapacity(
                organisation_id=rooms.organisations[school].id,
                receiving_kits=kits,
                down_kbps=down,
                up_kbps=up,
                relay="",
            )
        )


def used(rooms: Any, kind: str) -> set[int]:
    with rooms.parts.database.reading() as session:
        return set(session.scalars(select(CapacitySlot.used).where(CapacitySlot.resource_kind == kind)))


@pytest.fixture
def second_south_room(rooms: Any) -> Any:
    return rooms.add_room("second south room", "school_south_1", can_lead=False)


@pytest.mark.parametrize(
    ("limits", "resource", "free", "cap"),
    [({"kits": 1}, "kit", 0, 1), ({"down": 7_000}, "link_down", 3_000, 7_000)],
)
def test_a_school_receives_no_more_than_it_can(
    signed_in: Any,
    lesson_request: Any,
    rooms: Any,
    second_south_room: Any,
    limits: Any,
    resource: str,
    free: int,
    cap: int,
) -> None:
    limit(rooms, "school_south_1", **limits)
    assert signed_in("teacher_north").post("/api/lessons", lesson_request("south room")).status_code == 201
    other = lesson_request("second south room", lead_room_id=rooms.rooms["other lead room"].id)
    rooms.add_user("colleague", rooms.users["teacher_north"].role, "school_north_1")
    answer = signed_in("colleague").post("/api/lessons", other)
    assert (answer.status_code, answer.json()["code"]) == (409, "booking_conflict")
    (conflict,) = answer.json()["conflicts"]
    assert (conflict["resource"], conflict["name"], conflict["free"], conflict["cap"]) == (
        resource,
        "school_south_1",
        free,
        cap,
    )
    later = lesson_request("second south room", in_minutes=100, lead_room_id=rooms.rooms["other lead room"].id)
    assert signed_in("colleague").post("/api/lessons", later).status_code == 201


def test_a_lead_school_sends_no_more_than_its_link_carries(signed_in: Any, lesson_request: Any, rooms: Any) -> None:
    limit(rooms, "school_north_1", up=11_000)
    rooms.add_user("colleague", rooms.users["teacher_north"].role, "school_north_1")
    assert signed_in("teacher_north").post("/api/lessons", lesson_request("south room")).status_code == 201
    other = lesson_request("far room", lead_room_id=rooms.rooms["other lead room"].id)
    answer = signed_in("colleague").post("/api/lessons", other)
    assert [conflict["resource"] for conflict in answer.json()["conflicts"]] == ["link_up"]


def test_what_is_declined_cancelled_moved_or_ended_is_given_back(
    signed_in: Any, lesson_request: Any, rooms: Any, clock: Any
) -> None:
    limit(rooms, "school_south_1", kits=1)
    teacher, school = signed_in("teacher_north"), signed_in("school_south")
    lesson = teacher.post("/api/lessons", lesson_request("south room")).json()
    assert used(rooms, "kit") == used(rooms, "relay") == {1}
    receiver = lesson["receivers"][0]["id"]
    school.post(f"/api/lessons/{lesson['id']}/receivers/{receiver}/decline")
    assert used(rooms, "kit") == used(rooms, "relay") == {0}
    school.post(f"/api/lessons/{lesson['id']}/receivers/{receiver}/accept")
    assert used(rooms, "kit") == {1}
    version = teacher.get(f"/api/lessons/{lesson['id']}").json()["version"]
    move = {"version": version, "starts_at": "2026-09-07T06:00:00Z", "ends_at": "2026-09-07T06:40:00Z"}
    assert teacher.patch(f"/api/lessons/{lesson['id']}", move).status_code == 200
    with rooms.parts.database.reading() as session:
        in_use = select(func.count()).where(CapacitySlot.resource_kind == "kit", CapacitySlot.used == 1)
        assert session.scalar(in_use) == 8
    clock.set(datetime(2026, 9, 7, 6, 0, tzinfo=UTC))
    teacher.post(f"/api/lessons/{lesson['id']}/start")
    clock.advance(minutes=11)
    teacher.post(f"/api/lessons/{lesson['id']}/end")
    with rooms.parts.database.reading() as session:
        assert session.scalar(in_use) == 2
    second = teacher.post("/api/lessons", lesson_request("far room", in_minutes=300)).json()
    teacher.post(f"/api/lessons/{second['id']}/cancel")
    with rooms.parts.database.reading() as session:
        still = select(func.sum(CapacitySlot.used)).where(CapacitySlot.resource_kind == "relay")
        assert session.scalar(still) == 2


def test_lessons_that_ended_early_do_not_stand_in_the_way_of_the_next_ones(
    signed_in: Any, lesson_request: Any, rooms: Any, clock: Any
) -> None:
    """Counters know stretches of five minutes: what is over before one is must not fill it."""
    limit(rooms, "school_south_1", kits=1)
    teacher = signed_in("teacher_north")
    clock.set(datetime(2026, 9, 7, 6, 0, tzinfo=UTC))
    for _ in range(3):
        answer = teacher.post("/api/lessons", lesson_request("south room", in_minutes=0))
        assert answer.status_code == 201, answer.text
        teacher.post(f"/api/lessons/{answer.json()['id']}/start").raise_for_status()
        clock.advance(minutes=1)
        teacher.post(f"/api/lessons/{answer.json()['id']}/end").raise_for_status()


def test_a_cap_lowered_below_what_is_booked_stops_only_new_lessons(
    signed_in: Any, lesson_request: Any, rooms: Any, second_south_room: Any
) -> None:
    limit(rooms, "school_south_1", kits=2)
    teacher = signed_in("teacher_north")
    lesson = teacher.post("/api/lessons", lesson_request("south room", "second south room")).json()
    limit(rooms, "school_south_1", kits=1)
    one, other = (receiver["id"] for receiver in lesson["receivers"])
    accept = f"/api/lessons/{lesson['id']}/receivers/{one}/accept"
    assert signed_in("school_south").post(accept).status_code == 200
    decline = f"/api/lessons/{lesson['id']}/receivers/{other}/decline"
    assert signed_in("school_south").post(decline).status_code == 200
    assert used(rooms, "kit") == {1}


def test_a_refusal_offers_the_nearest_periods_in_which_everything_is_free(
    signed_in: Any, lesson_request: Any, rooms: Any
) -> None:
    with rooms.parts.database.unit_of_work() as session:
        school = session.get_one(Organisation, rooms.organisations["school_north_1"].id)
        replace_bells(session, school, [(1, "08:00", "08:40"), (2, "09:30", "10:10"), (3, "14:00", "14:40")])
    limit(rooms, "school_south_1", kits=1)
    rooms.add_room("second south room", "school_south_1", can_lead=False)
    teacher = signed_in("teacher_north")
    rooms.add_user("colleague", rooms.users["teacher_north"].role, "school_north_1")
    colleague = signed_in("colleague")
    # The clock stands at 08:30 of a Monday. Period 2 of today is taken by the lead room, period 3 by the only kit.
    first = {"starts_at": None, "ends_at": None, "date": "2026-09-07"}
    assert teacher.post("/api/lessons", lesson_request("far room", **first, period=2)).status_code == 201
    other = lesson_request("second south room", **first, period=3, lead_room_id=rooms.rooms["other lead room"].id)
    assert teacher.post("/api/lessons", other).status_code == 201
    answer = colleague.post("/api/lessons", lesson_request("south room", **first, period=2))
    assert answer.status_code == 409
    free = answer.json()["free"]
    assert [(slot["date"], slot["period"]) for slot in free] == [
        ("2026-09-08", 1),
        ("2026-09-08", 2),
        ("2026-09-08", 3),
    ]
    assert (free[0]["starts_at"], free[0]["ends_at"]) == ("2026-09-08T00:00:00Z", "2026-09-08T00:40:00Z")
    offered = {"starts_at": None, "ends_at": None, "date": free[0]["date"], "period": free[0]["period"]}
    assert colleague.post("/api/lessons", lesson_request("south room", **offered)).status_code == 201
