"""Dated lessons as an iCalendar file (RFC 5545), for the teacher, room, class or school that subscribes to it.

Every lesson is an event of its own: make-up days cannot be said by a recurrence rule. UIDs are stable and SEQUENCE
rises with each change, so that a calendar program updates its copy; cancelled lessons stay in as STATUS:CANCELLED.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from scheduler.calendar.occurrences import Occurrence

LINE_BYTES = 75
Viewer = Literal["teacher", "room", "class", "school"]


@dataclass(frozen=True, slots=True)
class CalendarFile:
    """How to write a file: its name, the zone its times are shown in, the domain of its UIDs and when it was made."""

    name: str
    zone: ZoneInfo
    domain: str
    stamped_at: datetime
    product: str = "-//Three Classrooms//Timetable//EN"


def lessons_of(viewer: Viewer, identity: str, lessons: Iterable[Occurrence]) -> tuple[Occurrence, ...]:
    """The lessons that concern a teacher, room, class or school, leading or receiving, skipped ones included."""
    return tuple(lesson for lesson in lessons if identity in _concerned(viewer, lesson))


def write_calendar(file: CalendarFile, lessons: Iterable[Occurrence]) -> str:
    """The text of the file: CRLF line ends, lines folded at 75 bytes of UTF-8."""
    events = sorted(lessons, key=lambda lesson: (lesson.starts_at, lesson.id))
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{file.product}",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{escape(file.name)}",
        *_zone_lines(file.zone, events),
    ]
    for lesson in events:
        lines += _event_lines(file, lesson)
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in fold(line))


def escape(text: str) -> str:
    """TEXT with backslash, semicolon, comma and line ends escaped (RFC 5545 section 3.3.11); other controls dropped."""
    kept = "".join(char for char in text.replace("\r\n", "\n").replace("\r", "\n") if char == "\n" or ord(char) >= 32)
    return kept.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def fold(line: str) -> Iterator[str]:
    """The line in parts of at most 75 bytes of UTF-8, characters kept whole; later parts begin with a space (3.1)."""
    part, size = "", 0
    for char in line:
        width = len(char.encode())
        if size + width > LINE_BYTES:
            yield part
            part, size = " ", 1
        part += char
        size += width
    yield part


def _concerned(viewer: Viewer, lesson: Occurrence) -> set[str | None]:
    match viewer:
        case "teacher":
            return {lesson.lead.teacher_id, *(side.teacher_id for side in lesson.attending)}
        case "room":
            return {lesson.lead.room_id, *(side.room_id for side in lesson.attending)}
        case "class":
            return {lesson.lead.class_id, *(side.class_id for side in lesson.attending)}
        case "school":
            return {lesson.lead.school_id, *(side.school_id for side in lesson.attending)}


def _event_lines(file: CalendarFile, lesson: Occurrence) -> list[str]:
    lines = [
        "BEGIN:VEVENT",
        f"UID:{escape(lesson.id)}@{file.domain}",
        f"SEQUENCE:{lesson.sequence}",
        f"DTSTAMP:{file.stamped_at.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        f"DTSTART;TZID={file.zone.key}:{_local(lesson.starts_at, file.zone)}",
        f"DTEND;TZID={file.zone.key}:{_local(lesson.ends_at, file.zone)}",
        f"SUMMARY:{escape(lesson.title)}",
        f"LOCATION:{escape(lesson.lead.room_id)}",
        f"STATUS:{'CANCELLED' if lesson.state == 'skipped' else 'CONFIRMED'}",
    ]
    if lesson.reason:
        lines.append(f"DESCRIPTION:{escape(lesson.reason)}")
    return [*lines, "END:VEVENT"]


def _local(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y%m%dT%H%M%S}"


def _zone_lines(zone: ZoneInfo, lessons: list[Occurrence]) -> list[str]:
    """VTIMEZONE (3.6.5) with every offset that holds between the first and the last lesson, one observance for each."""
    first = lessons[0].starts_at if lessons else datetime(1970, 1, 1, tzinfo=UTC)
    last = max((lesson.ends_at for lesson in lessons), default=first)
    lines = ["BEGIN:VTIMEZONE", f"TZID:{zone.key}"]
    before = first.astimezone(zone)
    lines += _observance(datetime(1970, 1, 1), before, before)
    at = first
    while at < last:
        later = min(at + timedelta(days=1), last)
        if later.astimezone(zone).utcoffset() != at.astimezone(zone).utcoffset():
            change = _change_between(at, later, zone)
            earlier = (change - timedelta(seconds=1)).astimezone(zone)
            wall = (change + (earlier.utcoffset() or timedelta())).replace(tzinfo=None)
            lines += _observance(wall, earlier, change.astimezone(zone))
        at = later
    return [*lines, "END:VTIMEZONE"]


def _change_between(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The first whole second at which the offset of `high` holds."""
    old = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        if middle.astimezone(zone).utcoffset() == old:
            low = middle
        else:
            high = middle
    return high


def _observance(wall: datetime, before: datetime, after: datetime) -> list[str]:
    kind = "DAYLIGHT" if after.dst() else "STANDARD"
    return [
        f"BEGIN:{kind}",
        f"DTSTART:{wall:%Y%m%dT%H%M%S}",
        f"TZOFFSETFROM:{before:%z}",
        f"TZOFFSETTO:{after:%z}",
        f"TZNAME:{escape(after.tzname() or 'LOCAL')}",
        f"END:{kind}",
    ]
