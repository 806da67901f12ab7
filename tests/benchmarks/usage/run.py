"""The usage log of a prefecture in PostgreSQL: how large it grows, how fast rows come in, and what reading costs.

    make bench-usage [ARGS="--rows 10000000"]

A lesson of three rooms logs a row for each room and one for the lead every five seconds: 1,920 rows. 250 such lessons
a day for 90 school days are 43 million. This fills the log in steps to `--rows` in the order in which the lessons of a
day run side by side, and after each step appends through the product's own code, reads one lesson's log as its page
does, and looks up when thirty observers came and went. What does not grow with the rows can be extrapolated. Prints a
table and a JSON line.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from postgresql_server import start_server, stop_server
from reports import measure_reports
from sqlalchemy import text

from media.contract import Delivered
from service.replay.observations import stays_of
from service.storage.database import Database
from service.usage.log import Waiting, write_new
from service.usage.report import list_events

FIRST_DAY = datetime(2026, 9, 7, 0, 30, tzinfo=UTC)
LESSONS_A_DAY, AT_ONCE, ROWS_A_LESSON = 250, 50, 1_920
TERM_ROWS = LESSONS_A_DAY * ROWS_A_LESSON * 90
APPENDED = 500
BAR_MS = 300.0
FILL = """
INSERT INTO usage_log (at, type, lesson_id, party_id, data)
SELECT CAST(:day AS timestamptz) + wave * interval '1 hour' + tick * interval '5 seconds',
 CASE party WHEN 0 THEN 'published' ELSE 'delivered' END,
 md5(concat(CAST(:day AS text), '/', wave, '/', lesson)),
 'room:' || md5(concat(CAST(:day AS text), '/', wave, '/', lesson, '/', party)),
 json_build_object('from_at', 1788739200.5 + tick * 5, 'to_at', 1788739205.5 + tick * 5,
  'lead_picture_ms', 5000, 'lead_sound_ms', 5000, 'picture_bytes', 450000 + tick, 'sound_bytes', 25000 + tick)
FROM generate_series(1, :waves) AS wave, generate_series(1, 480) AS tick,
 generate_series(1, :at_once) AS lesson, generate_series(0, 3) AS party
ORDER BY wave, tick, lesson, party"""
OBSERVED = """
INSERT INTO usage_log (at, type, lesson_id, party_id, connection_id, data)
SELECT CAST(:day AS timestamptz) + visit * interval '1 minute', kind, md5(concat('visited', visit)),
 'user:' || lpad(to_hex(person), 32, '0'), md5(concat(CAST(:day AS text), person, '/', visit)), '{}'
FROM generate_series(1, 30) AS person, generate_series(1, 3) AS visit,
 unnest(ARRAY['party_joined', 'party_left']) AS kind"""
SIZES = """
SELECT relname, pg_relation_size(oid) FROM pg_class
WHERE oid = 'usage_log'::regclass OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'usage_log'::regclass)"""


def main() -> int:
    """Fill, append, read, print; 0 when nobody waits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--days", type=int, default=200, help="of lessons in the usage report")
    arguments = parser.parse_args()
    server = start_server({})
    try:
        server.make_template()
        with server.copy_of_template("usage") as url:
            database = Database(url)
            try:
                steps = _measure(database, arguments.rows, arguments.steps)
                reports = measure_reports(database, arguments.days)
            finally:
                database.close()
    finally:
        stop_server(server)
    last = steps[-1]
    term = {name: round(size * TERM_ROWS / last["rows"] / 2**30, 1) for name, size in last["bytes"].items()}
    print(f"a term of {TERM_ROWS:,} rows, extrapolated, GiB: {term}")
    slow = [name for name, value in reports.items() if name.endswith(" ms") and value > BAR_MS]
    slow += [name for name in ("page_p95_ms", "lesson_p95_ms", "observers_p95_ms") if last[name] > BAR_MS]
    found = {"steps": steps, "term_rows": TERM_ROWS, "term_gib": term, "reports": reports, "over_bar": slow}
    print(json.dumps(found, ensure_ascii=False))
    return 1 if slow else 0


def _measure(database: Database, rows: int, steps: int) -> list[dict[str, Any]]:
    print(f"{'rows':>12}{'filled/s':>12}{'appended/s':>12}{'a log, ms':>12}{'a lesson, ms':>14}{'observers, ms':>15}")
    found, day, total = [], 0, 0
    for step in range(1, steps + 1):
        began, before = time.perf_counter(), total
        while total < rows * step // steps:
            total += _fill_day(database, FIRST_DAY + timedelta(days=day))
            day += 1
        filled = (total - before) / (time.perf_counter() - began)
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE usage_log"))
        found.append(_figures(database, total, filled))
        row = found[-1]
        print(
            f"{total:>12,}{row['filled_a_second']:>12,}{row['appended_a_second']:>12,}{row['page_p95_ms']:>12}"
            f"{row['lesson_p95_ms']:>14}{row['observers_p95_ms']:>15}",
            flush=True,
        )
    return found


def _fill_day(database: Database, day: datetime) -> int:
    with database.unit_of_work() as session:
        waves = LESSONS_A_DAY // AT_ONCE
        session.execute(text(FILL), {"day": day.isoformat(), "waves": waves, "at_once": AT_ONCE})
        session.execute(text(OBSERVED), {"day": day.isoformat()})
    return LESSONS_A_DAY * ROWS_A_LESSON


def _figures(database: Database, total: int, filled: float) -> dict[str, Any]:
    with database.reading() as session:
        sample = "SELECT DISTINCT lesson_id FROM usage_log TABLESAMPLE SYSTEM (0.05) WHERE type = 'delivered' LIMIT 60"
        lessons = list(session.scalars(text(sample)))
        sizes = dict(session.execute(text(SIZES)).all())
    people = [f"user:{number:032x}" for number in range(1, 31)]

    def page(at: int) -> None:
        with database.reading() as session:
            assert list_events(session, lessons[at % len(lessons)], 200, 400).total >= ROWS_A_LESSON

    def whole(at: int) -> None:
        with database.reading() as session:
            statement = text("SELECT at, type, party_id, data FROM usage_log WHERE lesson_id = :id ORDER BY id")
            assert len(session.execute(statement, {"id": lessons[at % len(lessons)]}).all()) >= ROWS_A_LESSON

    def observers(_at: int) -> None:
        with database.reading() as session:
            assert stays_of(session, people, FIRST_DAY)

    return {
        "rows": total,
        "filled_a_second": round(filled),
        "appended_a_second": _append(database),
        "page_p95_ms": _p95(page, 60),
        "lesson_p95_ms": _p95(whole, 60),
        "observers_p95_ms": _p95(observers, 20),
        "bytes": sizes,
    }


def _append(database: Database) -> int:
    """Rows a second as the log's thread writes them, attendance included."""
    at = datetime.now(UTC).timestamp()
    batches = [
        [
            Waiting(
                Delivered(
                    lesson_id=f"{number % 200:032x}", party_id=f"room:{number % 600:032x}", from_at=at + batch * 5 - 5,
                    to_at=at + batch * 5, lead_picture_ms=5000, lead_sound_ms=5000, picture_bytes=450_000,
                    sound_bytes=25_000,
                )
            )
            for number in range(APPENDED)
        ]
        for batch in range(8)
    ]  # fmt: skip
    began = time.perf_counter()
    for batch in batches:
        with database.unit_of_work() as session:
            write_new(session, batch)
    return round(APPENDED * len(batches) / (time.perf_counter() - began))


def _p95(work: Callable[[int], None], times: int) -> float:
    took = []
    for at in range(times):
        began = time.perf_counter()
        work(at)
        took.append((time.perf_counter() - began) * 1000)
    return round(statistics.quantiles(took, n=20, method="inclusive")[18], 1)


if __name__ == "__main__":
    sys.exit(main())
