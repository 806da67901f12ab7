from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from scheduler.calendar.icalendar import CalendarFile, escape, fold, lessons_of, write_calendar
from scheduler.calendar.occurrences import Occurrence
from scheduler.calendar.series import LeadSide, ReceivingSide

FILE = CalendarFile("课表", ZoneInfo("Asia/Shanghai"), "school.example", datetime(2026, 8, 1, tzinfo=UTC))
VILLAGE = ReceivingSide("r1", "village", "room-v", "class-v", "teacher-v")


def lesson(identity: str = "s.20260901.w", day: int = 1, **changes) -> Occurrence:
    starts_at = datetime(2026, 9, day, 0, 30, tzinfo=UTC)
    values = {
        "id": identity,
        "series_id": "s",
        "title": "音乐, 三年级; 临夏",
        "on": date(2026, 9, day),
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=40),
        "lead": LeadSide("town", "room-t", "teacher-t", "class-t"),
        "attending": (VILLAGE,),
    }
    return Occurrence(**(values | changes))


def lines(text: str) -> list[str]:
    assert text.endswith("\r\n")
    return text.replace("\r\n ", "").split("\r\n")[:-1]


def test_an_event_has_a_stable_uid_its_sequence_and_local_times_with_their_zone() -> None:
    found = lines(write_calendar(FILE, [lesson(sequence=2)]))
    assert "UID:s.20260901.w@school.example" in found
    assert "SEQUENCE:2" in found
    assert "DTSTAMP:20260801T000000Z" in found
    assert "DTSTART;TZID=Asia/Shanghai:20260901T083000" in found
    assert "DTEND;TZID=Asia/Shanghai:20260901T091000" in found
    assert "SUMMARY:音乐\\, 三年级\\; 临夏" in found
    assert "STATUS:CONFIRMED" in found


def test_a_skipped_lesson_stays_in_as_cancelled_with_its_reason() -> None:
    found = lines(write_calendar(FILE, [lesson(state="skipped", reason="运动会")]))
    assert "STATUS:CANCELLED" in found
    assert "DESCRIPTION:运动会" in found


def test_the_zone_is_described_by_one_offset_where_the_clocks_never_change() -> None:
    found = lines(write_calendar(FILE, [lesson(), lesson("s.20260930.w", 30)]))
    assert [line for line in found if line.startswith("TZOFFSET")] == ["TZOFFSETFROM:+0800", "TZOFFSETTO:+0800"]


def test_the_zone_is_described_by_each_change_of_the_clocks_between_the_lessons() -> None:
    berlin = CalendarFile("x", ZoneInfo("Europe/Berlin"), "school.example", datetime(2026, 8, 1, tzinfo=UTC))
    winter = datetime(2026, 12, 1, 9, tzinfo=UTC)
    late = lesson("late", starts_at=winter, ends_at=winter + timedelta(minutes=40))
    found = lines(write_calendar(berlin, [lesson(), late]))
    at = found.index("DTSTART:20261025T030000")
    assert found[at - 1 : at + 4] == [
        "BEGIN:STANDARD",
        "DTSTART:20261025T030000",
        "TZOFFSETFROM:+0200",
        "TZOFFSETTO:+0100",
        "TZNAME:CET",
    ]


def test_each_viewer_sees_the_lessons_that_concern_it() -> None:
    other = lesson("other", attending=(ReceivingSide("r2", "hill", "room-h", "class-h", "teacher-h"),))
    both = [lesson(), other]
    assert lessons_of("teacher", "teacher-v", both) == (lesson(),)
    assert lessons_of("teacher", "teacher-t", both) == (lesson(), other)
    assert lessons_of("room", "room-h", both) == (other,)
    assert lessons_of("class", "class-v", both) == (lesson(),)
    assert lessons_of("school", "hill", both) == (other,)


@given(st.text())
def test_lines_are_folded_at_75_bytes_and_unfold_to_what_they_were(text: str) -> None:
    parts = list(fold(escape(text)))
    assert all(len(part.encode()) <= 75 for part in parts)
    assert parts[0] + "".join(part[1:] for part in parts[1:]) == escape(text)
    assert "\n" not in escape(text)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_escaped_text_reads_back(text: str) -> None:
    escaped = escape(text)
    read, at = "", 0
    while at < len(escaped):
        if escaped[at] == "\\":
            at += 1
        read += escaped[at]
        at += 1
    assert read == text
