"""Looks up what is held in the way of wanted claims: one statement for any number of them, on both databases."""

import json
from collections.abc import Iterable, Sequence, Set
from datetime import datetime
from typing import Any

from sqlalchemy import String, TextClause, text
from sqlalchemy.orm import Session

from scheduler.clashes import Claim, Clash, Resource, find_clashes
from service.lessons.times import LONGEST
from service.storage.base import UtcDateTime
from service.storage.many import as_json

# No claim is longer than the longest lesson, so a claim that began longer ago cannot reach into the wanted time: with
# both bounds on starts_at the index on (resource_kind, resource_id, starts_at) is read over a few rows only.
_IN_THE_WAY = """held.resource_kind = wanted.kind AND held.resource_id = wanted.id
 AND held.starts_at > wanted.earliest AND held.starts_at < wanted.ends_at AND held.ends_at > wanted.starts_at"""
# OFFSET 0 keeps PostgreSQL from turning one index look-up for each wanted claim into a pass over the whole table.
_POSTGRESQL = f"""
SELECT held.* FROM json_to_recordset(CAST(:wanted AS json))
 AS wanted (kind text, id text, earliest timestamptz, starts_at timestamptz, ends_at timestamptz)
CROSS JOIN LATERAL (
 SELECT held.resource_kind, held.resource_id, held.starts_at, held.ends_at, held.lesson_id
 FROM lesson_claims AS held WHERE {_IN_THE_WAY} OFFSET 0
) AS held"""  # noqa: S608 - nothing in it comes from outside
_SQLITE = f"""
WITH wanted AS MATERIALIZED (SELECT json_extract(value, '$[0]') AS kind, json_extract(value, '$[1]') AS id,
 json_extract(value, '$[2]') AS earliest, json_extract(value, '$[3]') AS starts_at,
 json_extract(value, '$[4]') AS ends_at FROM json_each(:wanted))
SELECT held.resource_kind, held.resource_id, held.starts_at, held.ends_at, held.lesson_id
FROM wanted CROSS JOIN lesson_claims AS held ON {_IN_THE_WAY}"""  # noqa: S608 - nothing in it comes from outside


def _typed(statement: str) -> Any:
    return text(statement).columns(
        resource_kind=String, resource_id=String, starts_at=UtcDateTime, ends_at=UtcDateTime, lesson_id=String
    )


_STATEMENTS: dict[str, TextClause] = {"postgresql": _typed(_POSTGRESQL), "sqlite": _typed(_SQLITE)}


def overlapping(
    session: Session, claims: Iterable[Claim], *, except_lessons: Set[str] = frozenset()
) -> Sequence[Clash]:
    """Every pair of a wanted claim and one held by another lesson that clash, sorted."""
    wanted = list(claims)
    held = [claim for claim in held_near(session, wanted) if claim.lesson_id not in except_lessons]
    return find_clashes(wanted, held)


def held_near(session: Session, wanted: Sequence[Claim]) -> list[Claim]:
    """List the held claims that overlap at least one of the wanted ones, of whichever lesson, each once."""
    if not wanted:
        return []
    dialect = session.get_bind().dialect.name
    rows = session.execute(_STATEMENTS[dialect], _parameters(dialect, wanted))
    # Thousands of rows of a timetable come as one answer: plain tuples, made into claims once.
    return [Claim(Resource(row[0], row[1]), row[2], row[3], row[4]) for row in set(map(tuple, rows))]


def _parameters(dialect: str, wanted: Sequence[Claim]) -> dict[str, Any]:
    if dialect == "sqlite":
        rows = [
            [c.resource.kind, c.resource.id, *map(_as_stored, (c.starts_at - LONGEST, c.starts_at, c.ends_at))]
            for c in wanted
        ]
        return {"wanted": json.dumps(rows)}
    # One text: the driver is much slower with an array for each column.
    wanted_rows = [
        {
            "kind": claim.resource.kind,
            "id": claim.resource.id,
            "earliest": claim.starts_at - LONGEST,
            "starts_at": claim.starts_at,
            "ends_at": claim.ends_at,
        }
        for claim in wanted
    ]
    return {"wanted": as_json(wanted_rows)}


def _as_stored(at: datetime) -> str:
    """A moment as SQLite's column keeps it, comparable as text."""
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")
