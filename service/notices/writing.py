"""Writes notices inside a transaction of the caller: they are there when what they tell is."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table
from sqlalchemy.orm import Session

from service.lessons.tables import Lesson
from service.notices.tables import Notice
from service.storage.base import new_id
from service.storage.many import insert_rows

_NOTICES = cast(Table, Notice.__table__)

_WITHOUT_ANSWER = {
    "lesson_asked": "lesson_to_lead",
    "lesson_moved": "lesson_moved_told",
    "series_moved": "series_moved_told",
}
"""The same for those of whom no answer is wanted: who leads the lesson, and who only watches it."""


def tell(
    session: Session,
    now: datetime,
    kind: str,
    data: Mapping[str, Any],
    *,
    users: Iterable[str] = (),
    schools: Iterable[str] = (),
    lesson_id: str | None = None,
    event_id: str | None = None,
) -> None:
    """Tell people and schools one thing; each once, however often it is named."""
    said = json.dumps(data, ensure_ascii=False)
    readers: list[tuple[str | None, str | None]] = [(user, None) for user in sorted(set(users))]
    readers += [(None, school) for school in sorted(set(schools))]
    rows = [
        {
            "id": new_id(),
            "user_id": user,
            "school_id": school,
            "kind": kind,
            "data": said,
            "lesson_id": lesson_id,
            "event_id": event_id,
            "created_at": now,
        }
        for user, school in readers
    ]
    insert_rows(session, _NOTICES, rows)


def tell_receiving(session: Session, lesson: Lesson, kind: str, now: datetime, but: str, **more: Any) -> None:
    """Tell who receives a lesson, leads it or watches it, except the person who did it; each what it means to them."""
    counting = [one for one in lesson.receivers if one.counts]
    asked = {one.accompanying_teacher_id for one in counting if one.accompanying_teacher_id} - {but}
    others = {lesson.lead_teacher_id, *(observer.user_id for observer in lesson.observers)} - asked - {but}
    schools = {one.room.organisation_id for one in counting}
    said = lesson_data(lesson) | more
    tell(session, now, kind, said, users=asked, schools=schools, lesson_id=lesson.id)
    tell(session, now, _WITHOUT_ANSWER.get(kind, kind), said, users=others, lesson_id=lesson.id)


def lesson_data(lesson: Lesson) -> dict[str, Any]:
    """What a sentence about a lesson needs."""
    return {
        "title": lesson.title,
        "starts_at": lesson.starts_at.isoformat(),
        "ends_at": lesson.ends_at.isoformat(),
        "teacher": lesson.lead_teacher.display_name,
        "school": lesson.lead_school.name,
    }
