"""The usage report over a whole school year of lessons: its pages, and when the first row of its files comes."""

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from service.accounts.principal import Person
from service.accounts.roles import Role
from service.storage.database import Database
from service.usage.report import UsageFilter, all_items, make_report
from service.usage.spreadsheet import csv_chunks, row_cells, xlsx_chunks

SCHOOLS, LESSONS_A_DAY, FIRST_DAY = 1_194, 250, datetime(2025, 9, 1, 0, 30, tzinfo=UTC)
ROOT = "0" * 32
MONTH = (FIRST_DAY + timedelta(days=60), FIRST_DAY + timedelta(days=90))
ZONE = ZoneInfo("Asia/Shanghai")
FILL = (
    "INSERT INTO organisations (id, parent_id, name, kind, path, is_root, created_at) "
    "VALUES ({root}, NULL, '州', 'prefecture', '/' || {root} || '/', true, {first})",
    "INSERT INTO organisations (id, parent_id, name, kind, path, created_at) "
    "SELECT md5('school' || n), {root}, '第' || n || '小学', 'school', "
    "concat('/', {root}, '/', md5('school' || n), '/'), CAST({first} AS timestamptz) "
    "FROM generate_series(1, {schools}) AS n",
    "INSERT INTO users (id, username, username_key, display_name, password_hash, role, organisation_id, locale, "
    "disabled, created_at) SELECT md5('teacher' || n), 'teacher' || n, 'teacher' || n, '教师' || n, '', 'teacher', "
    "md5('school' || n), 'zh-CN', false, CAST({first} AS timestamptz) FROM generate_series(1, {schools}) AS n",
    "INSERT INTO lessons (id, kind, title, subject, grade, starts_at, ends_at, state, started_at, ended_at, "
    "lead_school_id, lead_teacher_id, recorded, version, booked_by, created_at) "
    "SELECT md5(concat('lesson', d, '/', n)), 'synchronous', '第' || n || '课', 'english', 'grade_3', starts, "
    "starts + interval '40 minutes', 'ended', starts, starts + interval '40 minutes', md5('school' || lead), "
    "md5('teacher' || lead), false, 1, md5('teacher' || lead), starts "
    "FROM generate_series(0, {days} - 1) AS d, generate_series(1, {lessons}) AS n, LATERAL "
    "(SELECT CAST({first} AS timestamptz) + d * interval '1 day' + n % 8 * interval '50 minutes' AS starts, "
    "1 + (d * {lessons} + n) % {schools} AS lead) AS of_lesson",
    "INSERT INTO usage_attendance (lesson_id, party_id, party_role, organisation_id, organisation_path, county, "
    "school, room_or_person, joined_at, left_at, last_seen_at, joins, connected_ms, lead_picture_ms, lead_sound_ms, "
    "published_ms) SELECT l.id, 'room:' || md5(concat(l.id, party)), CASE party WHEN 0 THEN 'lead' ELSE 'room' END, "
    "o.id, o.path, '第一县', o.name, '教室' || party, extract(epoch FROM l.starts_at), extract(epoch FROM l.ends_at), "
    "extract(epoch FROM l.ends_at), 1, 2400000, 2390000, 2395000, 2400000 "
    "FROM lessons AS l, generate_series(0, 3) AS party, LATERAL (SELECT CASE party WHEN 0 THEN l.lead_school_id ELSE "
    "md5('school' || (1 + (('x' || substr(l.id, 1, 6))::bit(24)::int + 331 * party) % {schools})) END AS id) AS place "
    "JOIN organisations AS o ON o.id = place.id",
    "ANALYZE",
)


def measure_reports(database: Database, days: int) -> dict[str, Any]:
    """Fill a year and ask for it, as the prefecture's administrator and as a school's."""
    with database.unit_of_work() as session:
        given = {"root": f"'{ROOT}'", "first": f"'{FIRST_DAY.isoformat()}'", "schools": SCHOOLS, "days": days}
        for statement in FILL:
            session.execute(text(statement.format(lessons=LESSONS_A_DAY, **given)))
        school = session.execute(text("SELECT id, path FROM organisations WHERE name = '第7小学'")).one()
    prefecture = _administrator(Role.PREFECTURE_ADMINISTRATOR, ROOT, f"/{ROOT}/")
    of_school = _administrator(Role.SCHOOL_ADMINISTRATOR, school.id, school.path)
    of_month = UsageFilter(None, *MONTH)
    pages = {
        "the month": (prefecture, of_month, 0),
        "the month, last page": (prefecture, of_month, 29_000),
        "a school's year": (of_school, UsageFilter(), 0),
        "a school within the month": (prefecture, UsageFilter(school.id, *MONTH), 0),
        "the whole year": (prefecture, UsageFilter(), 0),
        "the whole year, last page": (prefecture, UsageFilter(), days * LESSONS_A_DAY * 4 - 60),
    }
    found: dict[str, Any] = {"attendances": days * LESSONS_A_DAY * 4}
    for name, (person, wanted, offset) in pages.items():
        found[f"{name}, p95 ms"] = _p95(lambda p=person, w=wanted, o=offset: _page(database, p, w, o))
    for name, wanted in (("the month", of_month), ("the whole year", UsageFilter())):
        for kind, chunks in (("csv", csv_chunks), ("xlsx", xlsx_chunks)):
            found |= _file(f"{name}.{kind}", _rows(database, prefecture, wanted), lambda r, c=chunks: c(r, "zh-CN"))
    for name, value in found.items():
        print(f"{name:42}{value:>12,}", flush=True)
    return found


def _administrator(role: Role, organisation_id: str, path: str) -> Person:
    kind = "school" if role is Role.SCHOOL_ADMINISTRATOR else "prefecture"
    return Person("1" * 32, "a", "A", role, organisation_id, path, kind, "zh-CN", "", "")


def _page(database: Database, person: Person, wanted: UsageFilter, offset: int) -> None:
    with database.reading() as session:
        assert make_report(session, person, wanted, 50, offset).total


def _rows(database: Database, person: Person, wanted: UsageFilter) -> Iterator[list[Any]]:
    with database.reading_at_length() as session:
        for item in all_items(session, person, wanted):
            yield row_cells(item, "zh-CN", ZONE, lambda code: code)


def _file(
    name: str, rows: Iterator[list[Any]], make: Callable[[Iterator[list[Any]]], Iterator[bytes]]
) -> dict[str, Any]:
    """When the first of its rows comes (its headers are there at once), when the last, and how many bytes there are."""
    began = time.perf_counter()
    first = 0.0

    def noted() -> Iterator[list[Any]]:
        nonlocal first
        for row in rows:
            first = first or time.perf_counter() - began
            yield row

    size = sum(len(chunk) for chunk in make(noted()))
    took = time.perf_counter() - began
    return {f"{name}, first row ms": round(first * 1000, 1), f"{name}, s": round(took, 2), f"{name}, bytes": size}


def _p95(work: Callable[[], None], times: int = 20) -> float:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1000)
    return round(statistics.quantiles(took, n=20, method="inclusive")[18], 1)
