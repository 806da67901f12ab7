"""Watching counts what was really played: each moment once, no faster than time passes, live and replay together."""

from typing import Any

from sqlalchemy import select

from media.contract import PartyJoined, PartyLeft
from service.usage.log import LoggedEvent, write_events
from service.usage.tables import UsageRow

ALL = (
    "system", "prefecture", "county_north", "county_south", "school_north", "school_south", "school_other",
    "teacher_north", "teacher_south", "teacher_other", "researcher_north", "researcher_south", "inspector_north",
    "inspector_south",
)  # fmt: skip


def report(caller: Any, lesson: Any, *parts: tuple[int, int]) -> Any:
    return caller.post(f"/api/lessons/{lesson['id']}/watched", {"parts": [list(part) for part in parts]})


def watch(caller: Any, lesson: Any, clock: Any, begin_s: int, end_s: int) -> int:
    """Play at normal speed, reporting every quarter of a minute as the page does."""
    assert report(caller, lesson).status_code == 200
    counted = 0
    for at in range(begin_s, end_s, 15):
        clock.advance(seconds=15)
        counted += report(caller, lesson, (at * 1000, min(at + 15, end_s) * 1000)).json()["counted_ms"]
    return counted


def own(caller: Any) -> Any:
    return caller.get("/api/observations").json()


def test_a_lesson_counts_once_five_minutes_of_it_were_played(taught: Any, signed_in: Any, clock: Any) -> None:
    researcher = signed_in("researcher_north")
    assert (own(researcher)["items"], own(researcher)["target"], own(researcher)["minutes"]) == ([], 80, 5)
    assert watch(researcher, taught, clock, 0, 285) == 285_000
    assert (own(researcher)["counted"], own(researcher)["items"][0]["counts"]) == (0, False)
    assert watch(researcher, taught, clock, 0, 285) == 0  # the same once more
    assert own(researcher)["items"][0]["watched_ms"] == 285_000
    assert watch(researcher, taught, clock, 600, 615) == 15_000
    assert (own(researcher)["counted"], own(researcher)["items"][0]["watched_ms"]) == (1, 300_000)


def test_nobody_can_claim_more_than_time_allows(taught: Any, signed_in: Any, clock: Any) -> None:
    researcher = signed_in("researcher_north")
    assert report(researcher, taught, (0, 2_400_000)).json()["counted_ms"] == 2_000  # out of the blue: the slack
    clock.advance(seconds=10)
    assert report(researcher, taught, (0, 2_400_000)).json()["counted_ms"] <= 22_000
    assert report(researcher, taught, (1_000_000, 2_400_000)).json()["counted_ms"] <= 2_000  # a second window
    clock.advance(hours=3)
    assert report(researcher, taught, (0, 2_400_000)).json()["counted_ms"] <= 242_000
    assert report(researcher, taught, (9_000_000, 9_900_000)).json()["counted_ms"] == 0  # after its end


def test_double_speed_counts_the_lessons_time_and_pauses_count_nothing(taught: Any, signed_in: Any, clock: Any) -> None:
    researcher = signed_in("researcher_north")
    report(researcher, taught)
    counted = 0
    for at in range(0, 300, 30):  # half a minute of the lesson each quarter of a minute
        clock.advance(seconds=15)
        counted += report(researcher, taught, (at * 1000, at * 1000 + 30_000)).json()["counted_ms"]
    assert counted == 300_000
    assert own(researcher)["counted"] == 1
    clock.advance(minutes=30)  # the page is paused, and tells of nothing
    report(researcher, taught)
    clock.advance(seconds=15)
    assert report(researcher, taught, (300_000, 315_000)).json()["counted_ms"] == 15_000
    assert own(researcher)["items"][0]["watched_ms"] == 315_000


def test_two_windows_at_one_time_count_as_one(taught: Any, teach: Any, signed_in: Any, clock: Any) -> None:
    other = teach("另一节")
    researcher = signed_in("researcher_north")
    for lesson in (taught, other):
        report(researcher, lesson)
    counted = {"one": 0, "other": 0}
    for at in range(0, 600, 30):  # both play at double speed: together more than anybody can watch
        clock.advance(seconds=15)
        parts = (at * 1000, at * 1000 + 30_000)
        counted["one"] += report(researcher, taught, parts).json()["counted_ms"]
        counted["other"] += report(researcher, other, parts).json()["counted_ms"]
    assert counted["one"] == 600_000
    assert counted["other"] <= 40_000  # nothing but the slack of each report
    assert own(researcher)["counted"] == 1


def test_what_was_watched_is_in_the_usage_log(taught: Any, signed_in: Any, clock: Any, parts: Any, people: Any) -> None:
    watch(signed_in("researcher_north"), taught, clock, 30, 60)
    with parts.database.reading() as session:
        rows = list(session.scalars(select(UsageRow).where(UsageRow.type == "recording_watched")))
    assert [row.data for row in rows] == [
        {"parts": [[30_000, 45_000]], "new_ms": 15_000}, {"parts": [[45_000, 60_000]], "new_ms": 15_000},
    ]  # fmt: skip
    assert {row.user_id for row in rows} == {people.users["researcher_north"].id}


def test_what_was_seen_live_and_again_on_replay_counts_once(
    teach: Any, finish: Any, signed_in: Any, clock: Any, parts: Any, people: Any
) -> None:
    lesson = teach(over=False)
    party = f"user:{people.users['researcher_north'].id}"
    started = clock.now().timestamp()
    names = {"lesson_id": lesson["id"], "party_id": party, "connection_id": "c" * 32}
    with parts.database.unit_of_work() as session:
        events: list[LoggedEvent] = [
            PartyJoined(**names, role="observer", at=started + 2),
            PartyLeft(**names, reason="left", at=started + 242),
        ]
        write_events(session, events)
    finish(lesson)
    researcher = signed_in("researcher_north")
    assert [(item["live_ms"], item["counts"]) for item in own(researcher)["items"]] == [(240_000, False)]
    watch(researcher, lesson, clock, 180, 270)  # a minute of it for the second time
    item = own(researcher)["items"][0]
    assert (item["live_ms"], item["replay_ms"], item["watched_ms"]) == (240_000, 90_000, 270_000)


def test_a_school_year_ends_in_august(taught: Any, signed_in: Any, clock: Any) -> None:
    researcher = signed_in("researcher_north")
    watch(researcher, taught, clock, 0, 15)
    assert len(researcher.get("/api/observations?year=2026").json()["items"]) == 1
    assert researcher.get("/api/observations?year=2025").json()["items"] == []


def test_who_may_report_and_who_reads_whose_figures(taught: Any, signed_in: Any, anonymous: Any) -> None:
    callers = {name: signed_in(name) for name in ALL}
    may_watch = {name for name, caller in callers.items() if report(caller, taught).status_code == 200}
    assert may_watch == set(ALL) - {"school_other", "teacher_south", "teacher_other"}
    counting = {name for name, caller in callers.items() if caller.get("/api/observations").status_code == 200}
    assert counting == {"researcher_north", "researcher_south", "inspector_north", "inspector_south"}
    seen = {
        name: [item["name"] for item in answer.json()["items"]]
        for name, caller in callers.items()
        if (answer := caller.get("/api/observations/people")).status_code == 200
    }
    assert seen["county_north"] == seen["inspector_north"] == ["researcher_north", "王研"]
    assert seen["school_north"] == []
    assert len(seen["system"]) == 4
    assert "researcher_north" not in seen
    assert "teacher_north" not in seen
    for address in ("/api/observations", "/api/observations/people"):
        assert anonymous.get(address).status_code == 401
    assert report(anonymous, taught).status_code == 401
