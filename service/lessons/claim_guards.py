"""What the database itself refuses, whoever writes: two lessons that hold one room, teacher or class at one time.

PostgreSQL keeps an exclusion constraint over the time ranges (btree_gist), by a 64-bit number of each resource, because
GiST is slow with long texts. SQLite has none, so triggers look for an
overlapping row; its writers take turns, so what a trigger sees is all there is.
"""

from sqlalchemy import DDL, event

from service.lessons.tables import LessonClaim

OVERLAP_CONSTRAINT = "ex_lesson_claims_overlap"
OVERLAP_MESSAGE = "another lesson holds this at that time"

_OTHER_LESSON_HOLDS_IT = (
    f"SELECT RAISE(ABORT, '{OVERLAP_MESSAGE}') WHERE EXISTS (SELECT 1 FROM lesson_claims AS held WHERE "  # noqa: S608 - our own words
    "held.resource_kind = NEW.resource_kind AND held.resource_id = NEW.resource_id AND held.id <> NEW.id "
    "AND held.starts_at < NEW.ends_at AND held.ends_at > NEW.starts_at);"
)

SQLITE_GUARDS = tuple(
    f"CREATE TRIGGER IF NOT EXISTS lesson_claims_refuse_overlap_on_{verb.lower()} BEFORE {verb} ON lesson_claims "
    f"BEGIN {_OTHER_LESSON_HOLDS_IT} END"
    for verb in ("INSERT", "UPDATE")
)
POSTGRESQL_GUARDS = (
    "CREATE EXTENSION IF NOT EXISTS btree_gist",
    f"ALTER TABLE lesson_claims ADD CONSTRAINT {OVERLAP_CONSTRAINT} EXCLUDE USING gist "
    "(hashtextextended(resource_kind || '/' || resource_id, 0) WITH =, tstzrange(starts_at, ends_at) WITH &&)",
)

for _dialect, _guards in (("sqlite", SQLITE_GUARDS), ("postgresql", POSTGRESQL_GUARDS)):
    for _guard in _guards:
        event.listen(LessonClaim.__table__, "after_create", DDL(_guard).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
