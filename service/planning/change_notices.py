"""Tells teachers and schools what an applied change means for them: one notice each, with their own lessons."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.lessons.tables import Lesson, Receiver
from service.notices.writing import tell
from service.planning.change_items import Item
from service.planning.plan_tables import Plan
from service.planning.tables import LeadSeries
from service.rooms.tables import Room

MOST_TOLD = 12
"""Lessons named in one notice; the others are counted."""


def tell_change(session: Session, kind: str, what: str, target: str, items: Sequence[Item], now: datetime) -> None:
    """Tell everybody whom these items concern; `kind` names the notice, `what` the kind of change."""
    by_user: dict[str, list[Item]] = defaultdict(list)
    by_school: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        users, schools = _concerned(session, item)
        for user in users:
            by_user[user].append(item)
        for school in schools:
            by_school[school].append(item)
    for user, own in by_user.items():
        tell(session, now, kind, _data(what, target, own), users={user})
    for school, own in by_school.items():
        tell(session, now, kind, _data(what, target, own), schools={school})


def tell_plan(session: Session, plan: Plan, lessons: Sequence[Lesson], now: datetime) -> None:
    """Tell lead teachers and schools how many lessons of theirs an accepted plan has booked."""
    by_user: dict[str, int] = defaultdict(int)
    by_school: dict[str, int] = defaultdict(int)
    for lesson in lessons:
        teachers = {lesson.lead_teacher_id, *(one.accompanying_teacher_id for one in lesson.receivers)}
        rooms = {one.room_id for one in lesson.receivers}
        for user in teachers - {None}:
            by_user[str(user)] += 1
        for room in rooms:
            by_school[room] += 1
    schools = _schools_of(session, by_school)
    for lesson in lessons:
        schools[lesson.lead_school_id] += 1
    first = min(lesson.starts_at for lesson in lessons).isoformat()
    said = {"plan": plan.name, "term": plan.term.name, "first": first}
    for user, count in by_user.items():
        tell(session, now, "plan_accepted", said | {"lessons": count}, users={user})
    for school, count in schools.items():
        tell(session, now, "plan_accepted", said | {"lessons": count}, schools={school})


def _schools_of(session: Session, counts: dict[str, int]) -> dict[str, int]:
    schools: dict[str, int] = defaultdict(int)
    ids = sorted(counts)
    for at in range(0, len(ids), 500):
        rows = session.execute(select(Room.id, Room.organisation_id).where(Room.id.in_(ids[at : at + 500])))
        for row in rows:
            schools[row.organisation_id] += counts[row.id]
    return schools


def _concerned(session: Session, item: Item) -> tuple[set[str], set[str]]:
    users = {one for one in (item.teacher_id, item.new_teacher_id) if one}
    series = session.get(LeadSeries, item.series_id)
    schools = {series.organisation_id} if series is not None else set()
    if item.receiving_room_id:
        room = session.get(Room, item.receiving_room_id)
        return users, schools | ({room.organisation_id} if room is not None else set())
    lesson = session.get(Lesson, item.lesson_id) if item.lesson_id else None
    for receiver in lesson.receivers if lesson is not None else ():
        if _took_part(receiver):
            schools.add(receiver.room.organisation_id)
            users |= {one for one in (receiver.accompanying_teacher_id,) if one}
    return users, schools


def _took_part(receiver: Receiver) -> bool:
    return receiver.state != "declined"


def _data(what: str, target: str, items: Sequence[Item]) -> dict[str, Any]:
    told = [
        {
            "action": item.action,
            "starts_at": item.starts_at.isoformat(),
            "new_starts_at": item.new_starts_at.isoformat() if item.new_starts_at else None,
            "subject": item.subject,
            "teacher": item.teacher,
            "new_teacher": item.new_teacher,
            "who": f"{item.school} {item.class_name or ''}".strip() if item.school else "、".join(item.classes),
            "lesson_id": item.lesson_id,
        }
        for item in sorted(items, key=lambda one: one.starts_at)[:MOST_TOLD]
    ]
    return {"what": what, "target": target, "items": told, "count": len(items)}
