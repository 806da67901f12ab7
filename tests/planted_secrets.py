"""One row of every table people's names and words stand in, planted in a county that is foreign to the other one.

Whoever belongs to the other county, and no public event, should ever be told any of it: each name and word contains
`SECRET`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from service.accounts.roles import Role
from service.accounts.tables import User
from service.accounts.usernames import username_key
from service.audit.tables import AuditRow
from service.connections.tables import ConnectionReport
from service.exchange.tables import Import, SchoolCode, StaffNumber
from service.lessons.tables import Lesson, Receiver
from service.notices.tables import Notice
from service.organisation.tables import Organisation, SchoolClass, Term
from service.organisation.tree import add_organisation
from service.planning.plan_tables import CalendarFeed, Change, Plan
from service.planning.tables import Demand, LeadSeries
from service.recordings.making_tables import RecordingNotice
from service.recordings.privacy_tables import RecordingDeletion, RecordingInvitation
from service.recordings.tables import Recording, RecordingStream
from service.replay.tables import RecordingDigest, WatchedLesson
from service.reviews.comparison_tables import ComparedLesson, Comparison
from service.reviews.sample_tables import SampleLesson
from service.reviews.tables import Critique, CritiqueLesson, CritiqueReviewer, CritiqueSheet, LessonNote, Rubric
from service.rooms.tables import Device, Room
from service.usage.tables import AttendanceRow, UsageRow

SECRET = "外县机密"
FACTS = {
    "socket": {"works": True, "round_trip_ms": 20},
    "paths": [{"kind": "direct", "url": None, "works": True, "connect_ms": 80}],
    "media": None,
    "camera": "on",
    "microphone": "refused",
    "codecs": ["VP8", "opus"],
    "browser": SECRET,
}


@dataclass
class Planted:
    """Ids of what was planted, by the names addresses and bodies have for them."""

    ids: dict[str, str] = field(default_factory=dict)

    def told_by(self, text: str, asked: str) -> list[str]:
        """What of it stands in an answer that did not stand in the question."""
        told = [SECRET] if SECRET in text and SECRET not in asked else []
        return told + [name for name, one in self.ids.items() if len(one) == 32 and one in text and one not in asked]


def plant(session: Session, county: Organisation, now: datetime) -> Planted:
    """Plant it below `county`."""
    planted = Planted()
    ids = planted.ids
    schools = [add_organisation(session, county, f"{SECRET}学校{number}", "school", now) for number in (1, 2)]
    session.flush()
    ids |= {"organisation_id": schools[0].id, "school_id": schools[0].id, "audience_id": schools[1].id}
    people = [_person(schools[0], role, now) for role in (Role.TEACHER, Role.SCHOOL_ADMINISTRATOR, Role.RESEARCHER)]
    session.add_all(people)
    rooms = [Room(organisation_id=one.id, name=f"{SECRET}教室", can_lead=True, created_at=now) for one in schools]
    own_class = SchoolClass(organisation_id=schools[0].id, name=f"{SECRET}班", grade="grade_5", created_at=now)
    term = Term(
        organisation_id=schools[0].id, name=f"{SECRET}学期", starts_on=now.date(),
        ends_on=now.date() + timedelta(days=90),
    )  # fmt: skip
    session.add_all([*rooms, own_class, term])
    session.flush()
    ids |= {"user_id": people[0].id, "teacher_id": people[0].id, "lead_teacher_id": people[0].id}
    ids |= {"accompanying_teacher_id": people[0].id, "reviewer_id": people[2].id}
    ids |= {"room_id": rooms[0].id, "lead_room_id": rooms[0].id, "class_id": own_class.id, "term_id": term.id}
    for row in _rows(ids, schools, people, rooms, now):
        session.add(row)
        session.flush()
    session.execute(insert(UsageRow).values(_logged(ids, now)))
    ids["target_id"] = ids["teacher_id"]
    return planted


def _person(school: Organisation, role: Role, now: datetime) -> User:
    name = f"{SECRET}{role.value}"
    return User(
        username=name, username_key=username_key(name), display_name=name, password_hash="", role=role,
        organisation_id=school.id, locale="zh-CN", created_at=now,
    )  # fmt: skip


def _rows(
    ids: dict[str, str], schools: list[Organisation], people: list[User], rooms: list[Room], now: datetime
) -> Iterator[Any]:
    yield Device(room_id=rooms[0].id, token_hash="0" * 64, paired_at=now)
    yield SchoolCode(organisation_id=schools[0].id, code=f"{SECRET}01", code_key=f"{SECRET}01")
    yield StaffNumber(user_id=people[0].id, number=f"{SECRET}02")
    yield from _teaching(ids, schools, people, rooms, now)
    yield from _recording(ids, schools, people, now)
    yield from _reviews(ids, schools, people, now)
    yield from _planning(ids, schools, people, rooms, now)
    yield AuditRow(
        at=now, user_id=people[0].id, person=people[0].display_name, role="teacher",
        organisation_path=schools[0].path, operation="book_lesson", about={"lesson_id": ids["lesson_id"]}, client="",
    )  # fmt: skip
    yield ConnectionReport(
        at=now, organisation_id=schools[0].id, place_id=f"room:{rooms[0].id}", place=rooms[0].name, receives="full",
        sends="full", facts=FACTS,
    )  # fmt: skip
    yield Notice(
        school_id=schools[0].id, kind="lesson_moved", lesson_id=ids["lesson_id"], created_at=now,
        data=json.dumps({"title": f"{SECRET}课", "starts_at": now.isoformat()}),
    )  # fmt: skip
    upload = Import(user_id=people[1].id, kind="rooms", file_name=SECRET, content=b"", digest="", created_at=now)
    yield upload
    ids["import_id"] = upload.id


def _teaching(
    ids: dict[str, str], schools: list[Organisation], people: list[User], rooms: list[Room], now: datetime
) -> Iterator[Any]:
    for name, state, days in (("lesson_id", "ended", -1), ("next", "booked", 0)):
        starts_at = now + timedelta(days=days, hours=3)
        lesson = Lesson(
            kind="synchronous", title=f"{SECRET}课", subject="chinese", grade="grade_5", class_id=ids["class_id"],
            starts_at=starts_at, ends_at=starts_at + timedelta(minutes=40), state=state, lead_school_id=schools[0].id,
            lead_room_id=rooms[0].id, lead_teacher_id=people[0].id, recorded=True, booked_by=people[0].id,
            created_at=now, started_at=starts_at if state == "ended" else None,
            ended_at=starts_at + timedelta(minutes=40) if state == "ended" else None,
        )  # fmt: skip
        yield lesson
        receiver = Receiver(
            lesson_id=lesson.id, position=0, room_id=rooms[1].id, state="accepted", note=SECRET, decided_at=now
        )
        yield receiver
        ids |= {name: lesson.id, f"receiver of {name}": receiver.id}
    ids |= {"receiver_id": ids["receiver of next"], "other_lesson": ids["next"]}
    yield AttendanceRow(
        lesson_id=ids["lesson_id"], party_id=f"room:{rooms[0].id}", party_role="lead", organisation_id=schools[0].id,
        organisation_path=schools[0].path, county=SECRET, school=schools[0].name, room_or_person=rooms[0].name,
        joined_at=now.timestamp(), last_seen_at=now.timestamp(),
    )  # fmt: skip


def _logged(ids: dict[str, str], now: datetime) -> dict[str, Any]:
    party = {"party_id": f"room:{ids['room_id']}", "lesson_id": ids["lesson_id"]}
    return party | {"at": now, "type": "party_joined", "data": {"words": SECRET}}


def _recording(ids: dict[str, str], schools: list[Organisation], people: list[User], now: datetime) -> Iterator[Any]:
    lesson_id = ids["lesson_id"]
    yield Recording(lesson_id=lesson_id, state="ready", duration_ms=60_000, origin_at=now, changed_at=now, ready_at=now)
    stream = RecordingStream(
        lesson_id=lesson_id, position=0, object_key=f"{lesson_id}/lead.mp4", party_id="room:lead", party_name=SECRET,
        role="lead", source="camera", content_type="video/mp4", offset_ms=0, duration_ms=60_000, has_picture=True,
        has_sound=True, size_bytes=9, gaps=[], sha256="0" * 64,
    )  # fmt: skip
    yield stream
    ids["stream_id"] = stream.id
    yield RecordingDigest(stream_id=stream.id, made_at=now, problem=None, speech=[], sheet_key=None, tiles=[])
    invitation = RecordingInvitation(lesson_id=lesson_id, user_id=people[2].id, invited_by=people[0].id, invited_at=now)
    yield invitation
    ids["invitation_id"] = invitation.id
    yield RecordingDeletion(
        lesson_id=lesson_id, reason="asked", asked_by=people[1].id, note=SECRET, began_at=now, files=1, size_bytes=9
    )
    yield RecordingNotice(
        kind="making_failed", subject=lesson_id, lesson_id=lesson_id, detail=SECRET, data={}, first_at=now, last_at=now
    )
    yield WatchedLesson(
        user_id=people[2].id, lesson_id=lesson_id, parts=[[0, 9]], watched_ms=9, first_at=now, last_at=now
    )


def _reviews(ids: dict[str, str], schools: list[Organisation], people: list[User], now: datetime) -> Iterator[Any]:
    lesson_id, critic = ids["lesson_id"], people[2].id
    criteria = [{"id": "goals", "title": SECRET, "title_en": "", "hint": "", "points": 10}]
    note = LessonNote(
        id="5e" * 16, lesson_id=lesson_id, author_id=critic, at=now, kind="note", text=SECRET, shared=True,
        created_at=now, changed_at=now,
    )  # fmt: skip
    yield note
    rubric = Rubric(
        organisation_id=schools[0].id, name=SECRET, criteria=criteria, created_by=people[1].id, created_at=now,
        changed_at=now,
    )  # fmt: skip
    yield rubric
    critique = Critique(
        title=SECRET, purpose="critique", rubric_name=SECRET, criteria=criteria, blind=False, opened_by=critic,
        opened_at=now, closed_at=now,
    )  # fmt: skip
    yield critique
    yield CritiqueLesson(critique_id=critique.id, lesson_id=lesson_id, position=0)
    yield CritiqueReviewer(critique_id=critique.id, user_id=critic, position=0, handed_in_at=now)
    sheet = CritiqueSheet(
        critique_id=critique.id, lesson_id=lesson_id, reviewer_id=critic, scores={"goals": 9},
        remarks={"goals": SECRET}, summary=SECRET, changed_at=now,
    )  # fmt: skip
    yield sheet
    comparison = Comparison(title=SECRET, locked_by="time", created_by=critic, created_at=now, changed_at=now)
    yield comparison
    yield ComparedLesson(comparison_id=comparison.id, lesson_id=lesson_id, position=0, phases={})
    sample = SampleLesson(
        lesson_id=lesson_id, school_year=now.year, state="nominated", reason=SECRET, nominated_by=people[0].id,
        nominated_at=now,
    )  # fmt: skip
    yield sample
    ids |= {"note_id": note.id, "rubric_id": rubric.id, "critique_id": critique.id, "sheet_id": sheet.id}
    ids |= {"comparison_id": comparison.id, "sample_id": sample.id}


def _planning(
    ids: dict[str, str], schools: list[Organisation], people: list[User], rooms: list[Room], now: datetime
) -> Iterator[Any]:
    series = LeadSeries(
        organisation_id=schools[0].id, code=SECRET, kind="fixed", teacher_id=people[0].id, room_id=rooms[0].id,
        subject="chinese", grade="grade_5", lessons=1, created_at=now,
    )  # fmt: skip
    demand = Demand(class_id=ids["class_id"], subject="music", grade="grade_5", lessons=1, created_at=now)
    plan = Plan(
        organisation_id=schools[0].id, term_id=ids["term_id"], name=SECRET, budget_seconds=5, seed=1,
        created_by=people[1].id, created_at=now,
    )  # fmt: skip
    yield series
    yield demand
    yield plan
    change = Change(
        plan_id=plan.id, kind="absence", what=json.dumps({"target_id": people[0].id, "name": SECRET}),
        from_day=now.date(), to_day=now.date(), base_version=1, created_by=people[1].id, created_at=now,
    )  # fmt: skip
    yield change
    feed = CalendarFeed(
        token_hash="1" * 64, user_id=people[0].id, kind="teacher", target_id=people[0].id, created_at=now
    )
    yield feed
    ids |= {"series_id": series.id, "demand_id": demand.id, "plan_id": plan.id, "other_id": plan.id}
    ids |= {"change_id": change.id, "feed_id": feed.id}
