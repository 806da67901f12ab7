"""The usage log is append-only, survives being killed, and its report adds up, exports and stays within rights."""

import csv
import io
import os
import signal
import subprocess
import sys
import textwrap
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError

from media.contract import Delivered, PartyJoined, PartyLeft, Published
from service.usage.ledger import rebuild
from service.usage.log import UsageLog, write_events
from service.usage.tables import AttendanceRow, UsageRow


def attendance_of(lesson_id: str, party_id: str, role: Any, start: float, minutes: float) -> list[Any]:
    """A party that stays `minutes` and is delivered picture and sound all the time."""
    own = {"lesson_id": lesson_id, "party_id": party_id}
    end, ms = start + minutes * 60, int(minutes * 60_000)
    return [
        PartyJoined(connection_id=f"c{party_id}"[:32], role=role, at=start, **own),
        Delivered(
            from_at=start, to_at=end, lead_picture_ms=ms, lead_sound_ms=ms, picture_bytes=9, sound_bytes=9, **own
        ),
        Published(from_at=start, to_at=end, picture_ms=ms // 2, sound_ms=ms // 4, **own),
        PartyLeft(connection_id=f"c{party_id}"[:32], reason="left", at=end, **own),
    ]


@pytest.fixture
def held(signed_in: Any, lesson_request: Any, rooms: Any, parts: Any, clock: Any) -> Any:
    """A lesson that the lead room led for 40 minutes and the south room saw for 30."""
    title = '=HYPERLINK("http://x")'
    lesson = signed_in("teacher_north").post("/api/lessons", lesson_request("south room", title=title)).json()
    start = clock.now().timestamp() + 3600
    events = [
        *attendance_of(lesson["id"], f"room:{rooms.rooms['lead room'].id}", "lead", start, 40),
        *attendance_of(lesson["id"], f"room:{rooms.rooms['south room'].id}", "room", start, 30),
    ]
    with parts.database.unit_of_work() as session:
        write_events(session, events)
    return lesson


def test_the_report_shows_each_party_with_minutes_and_totals(signed_in: Any, held: Any) -> None:
    report = signed_in("prefecture").get("/api/usage").json()
    assert [(i["room_or_person"], i["party_role"], i["county"], i["school"]) for i in report["items"]] == [
        ("lead room", "lead", "county_north", "school_north_1"),
        ("south room", "room", "county_south", "school_south_1"),
    ]
    south = report["items"][1]
    assert (south["connected_minutes"], south["lead_picture_minutes"], south["lead_sound_minutes"]) == (30, 30, 30)
    assert (south["published_minutes"], south["joins"], south["lesson_id"]) == (15, 1, held["id"])
    assert report["total"] == 2
    assert report["totals"] == {
        "lessons": 1, "parties": 2, "joins": 2, "connected_minutes": 70, "lead_picture_minutes": 70,
        "lead_sound_minutes": 70, "published_minutes": 35,
    }  # fmt: skip


def test_everyone_sees_the_usage_of_their_subtree_only(signed_in: Any, held: Any, rooms: Any) -> None:
    def seen(username: str, query: str = "") -> list[str]:
        answer = signed_in(username).get(f"/api/usage{query}")
        assert answer.status_code == 200, answer.text
        return [item["room_or_person"] for item in answer.json()["items"]]

    rooms.add_user("far_admin", "school_administrator", "school_south_2")
    assert seen("county_south") == ["south room"]
    assert seen("inspector_south") == ["south room"]
    assert seen("school_north") == ["lead room", "south room"]  # who leads sees what was delivered
    assert seen("teacher_north") == ["lead room", "south room"]
    assert seen("teacher_south") == []
    assert seen("far_admin") == []
    south = rooms.organisations["county_south"].id
    assert seen("prefecture", f"?organisation_id={south}") == ["south room"]
    assert signed_in("county_north").get(f"/api/usage?organisation_id={south}").status_code == 404
    assert signed_in("researcher_north").get("/api/usage").status_code == 403
    assert signed_in("researcher_north").get("/api/usage.xlsx").status_code == 403


def test_the_report_is_filtered_and_paged(signed_in: Any, held: Any) -> None:
    admin = signed_in("prefecture")
    for query, count in (
        ("?from=2026-09-07&to=2026-09-07", 2), ("?from=2026-09-08", 0), ("?to=2026-09-06", 0),
        ("?kind=synchronous", 2), ("?kind=famous_school", 0), ("?subject=mathematics", 2), ("?subject=art", 0),
    ):  # fmt: skip
        assert admin.get(f"/api/usage{query}").json()["total"] == count, query
    page = admin.get("/api/usage?limit=1&offset=1").json()
    assert ([i["room_or_person"] for i in page["items"]], page["total"]) == (["south room"], 2)
    for query in ("?kind=odd", "?from=x", "?limit=0", "?organisation_id=x", "?from=2026-02-01&to=2026-01-01"):
        assert admin.get(f"/api/usage{query}").status_code == 422, query


def test_csv_opens_in_a_spreadsheet_without_running_anything(signed_in: Any, held: Any) -> None:
    answer = signed_in("prefecture").get("/api/usage.csv?locale=zh-CN")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0][:6] == ["课程", "类型", "学科", "开始时间", "县（市）", "学校"]
    assert rows[2] == [
        "'=HYPERLINK(\"http://x\")", "同步课堂", "数学", "2026-09-07 09:30:00", "county_south", "school_south_1",
        "south room", "接收教室", "2026-09-07 09:30:00", "2026-09-07 10:00:00", "30.0", "30.0", "30.0", "15.0", "1",
    ]  # fmt: skip
    english = signed_in("prefecture").get("/api/usage.csv?locale=en").content.decode("utf-8-sig")
    assert english.startswith("Lesson,Kind,Subject,Starts,")
    assert signed_in("prefecture").get("/api/usage.csv?locale=fr").status_code == 422


def test_xlsx_holds_numbers_as_numbers_and_no_formula(signed_in: Any, held: Any) -> None:
    answer = signed_in("prefecture").get("/api/usage.xlsx?locale=en")
    assert "usage.xlsx" in answer.headers["content-disposition"]
    sheet = load_workbook(io.BytesIO(answer.content)).active
    rows = list(sheet.iter_rows())
    assert [cell.value for cell in rows[0]][:3] == ["Lesson", "Kind", "Subject"]
    assert (rows[2][0].data_type, rows[2][0].value) == ("s", '=HYPERLINK("http://x")')
    assert [cell.value for cell in rows[2]][10:] == [30, 30, 30, 15, 1]


def test_the_database_itself_refuses_to_change_the_log(held: Any, parts: Any) -> None:
    for statement in ("UPDATE usage_log SET type = 'x'", "DELETE FROM usage_log"):
        with pytest.raises(DatabaseError, match="append-only"), parts.database.unit_of_work() as session:
            session.execute(text(statement))


def test_the_figures_can_be_rebuilt_from_the_log(held: Any, parts: Any) -> None:
    def figures() -> list[tuple[Any, ...]]:
        columns = list(AttendanceRow.__table__.columns)
        with parts.database.reading() as session:
            return [tuple(row) for row in session.execute(select(*columns).order_by(AttendanceRow.party_id))]

    before = figures()
    with parts.database.unit_of_work() as session:
        rebuild(session, held["id"])
    assert figures() == before


def test_the_raw_log_is_shown_to_those_responsible(signed_in: Any, held: Any) -> None:
    events = signed_in("county_north").get(f"/api/usage/events?lesson_id={held['id']}&limit=200").json()
    assert [event["type"] for event in events["items"]][:2] == ["lesson_booked", "party_joined"]
    assert signed_in("teacher_south").get(f"/api/usage/events?lesson_id={held['id']}").status_code in {403, 404}
    assert signed_in("county_north").get("/api/usage/events?lesson_id=x").status_code == 422


def test_the_writer_keeps_order_and_writes_what_waits_when_closed(held: Any, parts: Any, rooms: Any) -> None:
    log = UsageLog(parts.database)
    log.start()
    for event in attendance_of(held["id"], f"room:{rooms.rooms['far room'].id}", "room", 5000, 10):
        log.put(event)
    log.close()
    with parts.database.reading() as session:
        party = UsageRow.party_id == f"room:{rooms.rooms['far room'].id}"
        kinds = session.scalars(select(UsageRow.type).where(party).order_by(UsageRow.id)).all()
    assert kinds == ["party_joined", "delivered", "published", "party_left"]
    assert log.lost == 0


def test_events_of_nobody_known_stay_in_the_log_only(parts: Any) -> None:
    with parts.database.unit_of_work() as session:
        write_events(session, attendance_of("0" * 32, "room:nobody", "room", 1000, 1))
    with parts.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(UsageRow)) == 4
        assert session.scalar(select(func.count()).select_from(AttendanceRow)) == 0


def test_a_killed_process_loses_no_row_older_than_a_second(parts: Any) -> None:
    program = textwrap.dedent(
        """
        import sys, time
        from media.contract import PartyJoined
        from service.storage.database import Database
        from service.usage.log import UsageLog
        log = UsageLog(Database(sys.argv[1]))
        log.start()
        for n in range(10_000):
            log.put(PartyJoined(lesson_id="l", party_id=str(n), connection_id="c", role="room", at=time.time()))
            print(n, time.monotonic(), flush=True)
            time.sleep(0.01)
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, parts.configuration.effective_database_url], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    put = []
    with process.stdout as lines:
        for line in lines:
            put.append(float(line.split()[1]))
            if put[-1] - put[0] > 2.0:
                os.kill(process.pid, signal.SIGKILL)
                break
    process.wait()
    with parts.database.reading() as session:
        kept = session.scalar(select(func.count()).select_from(UsageRow)) or 0
    assert kept >= sum(at < put[-1] - 1.0 for at in put) > 0
