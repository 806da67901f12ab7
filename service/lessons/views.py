"""Shapes lessons for the one who asks: schools with their counties, and what this principal may do."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.accounts.principal import Person, RoomDevice
from service.lessons.finding import find_lesson
from service.lessons.origins import Origins, origins_of
from service.lessons.rights import (
    may_answer,
    may_change,
    may_conduct,
    may_replay,
    may_see_lines,
    role_in_lesson,
    room_role,
)
from service.lessons.schemas import (
    DeviceLessons,
    LeadView,
    LessonBrief,
    LessonView,
    MyRights,
    NamedView,
    ReceiverView,
    RecordingBrief,
    SchoolView,
)
from service.lessons.tables import Lesson, Receiver
from service.lessons.times import ENDS_BY_ITSELF_AFTER, is_open_for_joining
from service.organisation.tables import Organisation, SchoolClass
from service.organisation.tree import ancestor_ids
from service.recordings.tables import Recording


def view_lesson(session: Session, person: Person, lesson: Lesson, now: datetime) -> LessonView:
    """Give one lesson."""
    return view_lessons(session, person, [lesson], now)[0]


def view_lessons(session: Session, person: Person, lessons: Sequence[Lesson], now: datetime) -> list[LessonView]:
    """Give many lessons with a fixed number of queries."""
    schools = {lesson.lead_school for lesson in lessons}
    schools |= {receiver.room.school for lesson in lessons for receiver in lesson.receivers}
    counties = county_names(session, schools)
    ids = [lesson.id for lesson in lessons]
    recordings = {
        row.lesson_id: row.state
        for row in session.execute(select(Recording.lesson_id, Recording.state).where(Recording.lesson_id.in_(ids)))
    }
    origins = origins_of(session, ids)
    return [_view(person, lesson, now, counties, recordings.get(lesson.id), origins) for lesson in lessons]


def county_names(session: Session, organisations: set[Organisation]) -> dict[str, str]:
    """Give for each organisation's id the name of the county it lies in, "" when it lies above all counties."""
    wanted = {ancestor for organisation in organisations for ancestor in ancestor_ids(organisation.path)}
    counties = {
        row.id: row.name
        for row in session.execute(
            select(Organisation.id, Organisation.name).where(Organisation.id.in_(wanted), Organisation.kind == "county")
        )
    }
    return {
        organisation.id: next((counties[a] for a in ancestor_ids(organisation.path) if a in counties), "")
        for organisation in organisations
    }


def device_lessons(session: Session, device: RoomDevice, now: datetime) -> DeviceLessons:
    """Give what the room's screen shows: the lesson that can be joined now and the next one."""
    accepted = select(Receiver.lesson_id).where(Receiver.room_id == device.room_id, Receiver.state == "accepted")
    upcoming = session.scalars(
        select(Lesson)
        .where(
            Lesson.state.in_(("booked", "live")),
            Lesson.ends_at > now - ENDS_BY_ITSELF_AFTER,
            (Lesson.lead_room_id == device.room_id) | Lesson.id.in_(accepted),
        )
        .order_by(Lesson.starts_at)
        .limit(5)
    ).unique()
    lessons = list(upcoming)
    # Of two joinable lessons (one overruns into the next) the later one is due; a live one goes before one not begun.
    joinable = [lesson for lesson in lessons if is_open_for_joining(lesson.state, lesson.starts_at, now)]
    current = max(joinable, key=lambda it: (it.starts_at <= now, it.state == "live", it.starts_at), default=None)
    after = [lesson for lesson in lessons if lesson is not current and lesson.starts_at > now]
    return DeviceLessons(
        current=_brief(device, current) if current else None, next=_brief(device, after[0]) if after else None
    )


def _brief(device: RoomDevice, lesson: Lesson) -> LessonBrief:
    return LessonBrief(
        id=lesson.id,
        title=lesson.title,
        kind=lesson.kind,  # type: ignore[arg-type]
        subject=lesson.subject,
        grade=lesson.grade,
        starts_at=lesson.starts_at,
        ends_at=lesson.ends_at,
        state=lesson.state,  # type: ignore[arg-type]
        role=room_role(device.room_id, lesson) or "room",
        lead_school=lesson.lead_school.name,
        lead_teacher=lesson.lead_teacher.display_name,
    )


def _view(
    person: Person,
    lesson: Lesson,
    now: datetime,
    counties: dict[str, str],
    recording: str | None,
    origins: Origins,
) -> LessonView:
    return LessonView(
        id=lesson.id,
        kind=lesson.kind,  # type: ignore[arg-type]
        title=lesson.title,
        subject=lesson.subject,
        grade=lesson.grade,
        **{"class": _class(lesson.lead_class)},
        starts_at=lesson.starts_at,
        ends_at=lesson.ends_at,
        state=lesson.state,  # type: ignore[arg-type]
        started_at=lesson.started_at,
        ended_at=lesson.ended_at,
        cancel_reason=lesson.cancel_reason,
        lead=LeadView(
            room=NamedView(id=lesson.lead_room.id, name=lesson.lead_room.name) if lesson.lead_room else None,
            teacher=NamedView(id=lesson.lead_teacher.id, name=lesson.lead_teacher.display_name),
            school=_school(lesson.lead_school, counties),
        ),
        receivers=[_receiver(receiver, counties) for receiver in lesson.receivers],
        recorded=lesson.recorded,
        version=lesson.version,
        my=my_rights(person, lesson, now, recording),
        recording=RecordingBrief(state=recording) if recording else None,  # type: ignore[arg-type]
        series_id=origins.series.get(lesson.id),
        event_id=origins.events.get(lesson.id),
        planned=lesson.id in origins.planned,
    )


def my_rights(person: Person, lesson: Lesson, now: datetime, recording: str | None) -> MyRights:
    """Say what the person may do with the lesson at this moment."""
    role = role_in_lesson(person, lesson)
    is_open = is_open_for_joining(lesson.state, lesson.starts_at, now)
    unfinished = lesson.state in ("booked", "live")
    return MyRights(
        may_edit=lesson.state == "booked" and may_change(person, lesson),
        may_start=lesson.state == "booked" and is_open and may_conduct(person, lesson),
        may_end=lesson.state == "live" and may_conduct(person, lesson),
        may_join=role is not None and is_open,
        may_answer=[r.id for r in lesson.receivers if r.state == "pending" and unfinished and may_answer(person, r)],
        may_replay=recording is not None and may_replay(person, lesson),
        may_see_lines=may_see_lines(person, lesson),
        role=role,
    )


def view_found(session: Session, person: Person, lesson_id: str, now: datetime) -> LessonView:
    """Find a lesson and give it."""
    return view_lesson(session, person, find_lesson(session, person, lesson_id), now)


def _receiver(receiver: Receiver, counties: dict[str, str]) -> ReceiverView:
    teacher = receiver.accompanying_teacher
    return ReceiverView(
        id=receiver.id,
        room=NamedView(id=receiver.room.id, name=receiver.room.name),
        school=_school(receiver.room.school, counties),
        teacher=NamedView(id=teacher.id, name=teacher.display_name) if teacher else None,
        **{"class": _class(receiver.receiving_class)},
        state="expired" if receiver.has_expired else receiver.state,  # type: ignore[arg-type]
        decided_at=receiver.decided_at,
        answer_by=receiver.answer_by if receiver.state == "pending" else None,
        note=receiver.note,
    )


def _school(school: Organisation, counties: dict[str, str]) -> SchoolView:
    return SchoolView(id=school.id, name=school.name, county=counties[school.id])


def _class(school_class: SchoolClass | None) -> NamedView | None:
    return NamedView(id=school_class.id, name=school_class.name) if school_class else None
