"""A month of lessons over a prefecture: booked, held, counted, recorded, told of, observed, published.

Every lesson has three receiving rooms. Those of the past have attendance of every party, a short log, and every second
one a recording; one has the log of a full lesson, as the relay writes it. Rooms and teachers lead once a day at most.
"""

import itertools
from datetime import datetime, timedelta
from typing import Any

from prefecture import GRADE_CODES, Prefecture, identity

from media.contract import Delivered, Published
from service.accounts.roles import Role
from service.events.tables import Event, EventLesson, EventSignup
from service.lessons.tables import Lesson, LessonClaim, Receiver
from service.notices.tables import Notice
from service.recordings.tables import Recording, RecordingStream
from service.replay.tables import WatchedLesson
from service.reviews.sample_tables import SampleLesson
from service.rooms.tables import Room
from service.usage.tables import AttendanceRow, UsageRow

RECEIVERS = 3
LENGTH = timedelta(minutes=40)
STARTS = [timedelta(hours=8, minutes=30) + at * timedelta(minutes=50) for at in range(8)]
LOGGED_EVERY = timedelta(minutes=2)
FULL_LOG_EVERY = timedelta(seconds=5)
OBSERVERS, OBSERVED, SEEN_LIVE = 30, 80, 20
SAMPLES, NOTICES, EVENTS, SIGNUPS = 300, 400, 40, 20
LOCAL = timedelta(hours=8)


class Month:
    """The rows of `days` days with `lessons_a_day` each, the last `coming` days of them still to come."""

    def __init__(self, prefecture: Prefecture, days: int, lessons_a_day: int, coming: int) -> None:
        self.rows, self.now, self._paths = prefecture.rows, prefecture.now, prefecture.paths
        self._prefecture = prefecture
        self._kits = [row for row in self.rows[Room] if not row["can_lead"]]
        self._school_names = {identity(one.id): one.id for one in prefecture.snapshot.schools}
        own = self._leads()
        leads, lessons_a_day = itertools.cycle(own), min(lessons_a_day, len(own))
        today = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        self.held: list[dict[str, Any]] = []
        self.booked: list[dict[str, Any]] = []
        kits = itertools.cycle(self._kits)
        for offset in range(coming - days, coming):
            day = today + timedelta(days=offset)
            for at, lead in zip(range(lessons_a_day), leads, strict=False):
                begins = day - LOCAL + STARTS[at % len(STARTS)]
                self._lesson(f"{offset} {at}", lead, begins, list(itertools.islice(kits, RECEIVERS)))
        self.busiest_school = self.held[0]["lead_school_id"]
        self.busiest_teacher = self.held[0]["lead_teacher_id"]
        self._log(self.held[0], FULL_LOG_EVERY, whole=True)
        self._people()
        self._observations()
        self._samples()
        self._notices()
        self._events()

    def _leads(self) -> list[tuple[Any, str]]:
        """Series with a teacher and a room of their own, each with its school."""
        school_of = {studio.id: studio.school for studio in self._prefecture.snapshot.studios}
        known: set[str] = set()
        leads = []
        for one in self._prefecture.snapshot.series:
            if not known & {one.studio, one.teacher}:
                known |= {one.studio, one.teacher}
                leads.append((one, school_of[one.studio]))
        return leads

    def _lesson(self, name: str, lead: tuple[Any, str], begins: datetime, kits: list[dict[str, Any]]) -> None:
        series, school = lead
        over = begins + LENGTH <= self.now
        lesson = {
            "id": identity(f"lesson {name}"),
            "kind": "synchronous",
            "title": f"第{name}课",
            "subject": series.subject,
            "grade": GRADE_CODES[series.grade - 1],
            "class_id": None,
            "starts_at": begins,
            "ends_at": begins + LENGTH,
            "state": "ended" if over else "booked",
            "started_at": begins if over else None,
            "ended_at": begins + LENGTH if over else None,
            "cancel_reason": None,
            "lead_school_id": identity(school),
            "lead_room_id": identity(series.studio),
            "lead_teacher_id": identity(series.teacher),
            "recorded": len(self.held) % 2 == 0,
            "version": 1,
            "booked_by": identity("administrator"),
            "created_at": self.now - timedelta(days=40),
        }
        self.rows[Lesson].append(lesson)
        for position, room in enumerate(kits):
            self._receiver(lesson, position, room, over)
        if over:
            self.held.append(lesson)
            self._attendance(lesson, kits)
            self._log(lesson, LOGGED_EVERY)
            if lesson["recorded"]:
                self._recording(lesson)
        else:
            self.booked.append(lesson)
            self._claim(lesson, None, "room", lesson["lead_room_id"])
            self._claim(lesson, None, "teacher", lesson["lead_teacher_id"])

    def _receiver(self, lesson: dict[str, Any], position: int, room: dict[str, Any], over: bool) -> None:
        waits = not over and position == 0 and len(self.booked) % 4 == 0
        receiver = {
            "id": identity(f"receiver {lesson['id']} {position}"),
            "lesson_id": lesson["id"],
            "position": position,
            "room_id": room["id"],
            "accompanying_teacher_id": None,
            "class_id": None,
            "state": "pending" if waits else "accepted",
            "decided_at": None if waits else lesson["created_at"],
            "decided_by": None if waits else identity("administrator"),
            "note": "",
            "answer_by": lesson["starts_at"] if waits else None,
        }
        self.rows[Receiver].append(receiver)
        if not over:
            self._claim(lesson, receiver["id"], "room", room["id"])

    def _claim(self, lesson: dict[str, Any], receiver_id: str | None, kind: str, resource: str) -> None:
        self.rows[LessonClaim].append(
            {
                "id": identity(f"claim {lesson['id']} {kind} {resource}"),
                "lesson_id": lesson["id"],
                "receiver_id": receiver_id,
                "resource_kind": kind,
                "resource_id": resource,
                "starts_at": lesson["starts_at"],
                "ends_at": lesson["ends_at"],
            }
        )

    def _attendance(self, lesson: dict[str, Any], kits: list[dict[str, Any]]) -> None:
        parties = [("lead", lesson["lead_school_id"], f"room:{lesson['lead_room_id']}")]
        parties += [("room", room["organisation_id"], f"room:{room['id']}") for room in kits]
        joined = lesson["starts_at"].timestamp() - 60
        for role, school, party in parties:
            path = self._paths[self._school_names[school]]
            self.rows[AttendanceRow].append(
                {
                    "lesson_id": lesson["id"],
                    "party_id": party,
                    "party_role": role,
                    "organisation_id": school,
                    "organisation_path": path,
                    "county": "县",
                    "school": f"学校{school[:4]}",
                    "room_or_person": party[-6:],
                    "joined_at": joined,
                    "left_at": joined + 2500,
                    "open_connection": None,
                    "open_since": None,
                    "last_seen_at": joined + 2500,
                    "joins": 1,
                    "connected_ms": 2_500_000,
                    "lead_picture_ms": 2_390_000,
                    "lead_sound_ms": 2_395_000,
                    "published_ms": 2_400_000,
                }
            )

    def _log(self, lesson: dict[str, Any], every: timedelta, *, whole: bool = False) -> None:
        """What the relay says: the lead's own sending, and in a whole log what reached every room too."""
        parties = [(f"room:{lesson['lead_room_id']}", True)]
        if whole:
            attended = [row for row in self.rows[AttendanceRow] if row["lesson_id"] == lesson["id"]]
            parties += [(row["party_id"], False) for row in attended if row["party_role"] == "room"]
        for at in range(1, int(LENGTH / every) + 1):
            for party_id, leads in parties:
                self._said(lesson, party_id, lesson["starts_at"] + at * every, every, leads=leads)

    def _said(self, lesson: dict[str, Any], party_id: str, at: datetime, every: timedelta, *, leads: bool) -> None:
        span = {"lesson_id": lesson["id"], "party_id": party_id}
        span |= {"from_at": (at - every).timestamp(), "to_at": at.timestamp()}
        ms = int(every.total_seconds() * 1000)
        if leads:
            event: Published | Delivered = Published(**span, picture_ms=ms, sound_ms=ms)
        else:
            sent = {"picture_bytes": 90 * ms, "sound_bytes": 5 * ms}
            event = Delivered(**span, lead_picture_ms=ms, lead_sound_ms=ms, **sent)
        data = event.model_dump(mode="json", exclude={"type", "lesson_id", "party_id", "connection_id"})
        row = {"at": at, "type": event.type, "lesson_id": lesson["id"], "party_id": party_id, "data": data}
        self.rows[UsageRow].append(row | {"connection_id": None, "user_id": None})

    def _recording(self, lesson: dict[str, Any]) -> None:
        self.rows[Recording].append(
            {
                "lesson_id": lesson["id"],
                "state": "ready",
                "progress": 1.0,
                "problem": None,
                "problem_detail": None,
                "attempts": 1,
                "origin_at": lesson["starts_at"],
                "duration_ms": 2_400_000,
                "changed_at": lesson["ends_at"],
                "ready_at": lesson["ends_at"],
                "deleted_at": None,
            }
        )
        for position in range(1 + RECEIVERS):
            self.rows[RecordingStream].append(
                {
                    "id": identity(f"stream {lesson['id']} {position}"),
                    "lesson_id": lesson["id"],
                    "position": position,
                    "object_key": f"{lesson['id']}/{position}.mp4",
                    "party_id": f"room:{position}",
                    "party_name": f"教室{position}",
                    "role": "room" if position else "lead",
                    "source": "camera",
                    "content_type": "video/mp4",
                    "offset_ms": 0,
                    "duration_ms": 2_400_000,
                    "has_picture": True,
                    "has_sound": True,
                    "video_codec": "h264",
                    "audio_codec": "opus",
                    "width": 1280,
                    "height": 720,
                    "size_bytes": 180_000_000,
                    "gaps": [],
                    "sha256": "0" * 64,
                }
            )

    def _people(self) -> None:
        school = self._school_names[self.busiest_school]
        county = next(one.county for one in self._prefecture.snapshot.schools if one.id == school)
        self._prefecture.user("school administrator", "校管理员", Role.SCHOOL_ADMINISTRATOR, school)
        self._prefecture.user("county administrator", "县管理员", Role.COUNTY_ADMINISTRATOR, f"county {county}")
        for number in range(OBSERVERS):
            self._prefecture.user(f"researcher {number}", f"教研员{number}", Role.RESEARCHER, "prefecture")

    def _observations(self) -> None:
        for number in range(OBSERVERS):
            self._seen_live(number)
            for lesson in self.held[number :: max(1, len(self.held) // OBSERVED)][:OBSERVED]:
                self.rows[WatchedLesson].append(
                    {
                        "user_id": identity(f"researcher {number}"),
                        "lesson_id": lesson["id"],
                        "parts": [[0, 900_000]],
                        "watched_ms": 900_000,
                        "first_at": lesson["ends_at"],
                        "last_at": lesson["ends_at"],
                    }
                )

    def _seen_live(self, number: int) -> None:
        """Some lessons an observer was in, with the words the log has of it."""
        party = f"user:{identity(f'researcher {number}')}"
        for lesson in self.held[number + 7 :: max(1, len(self.held) // SEEN_LIVE)][:SEEN_LIVE]:
            attendance = dict(self.rows[AttendanceRow][0])
            joined = lesson["starts_at"].timestamp()
            times = {"joined_at": joined, "left_at": joined + 2400, "last_seen_at": joined + 2400}
            attendance |= {"lesson_id": lesson["id"], "party_id": party, "party_role": "observer"} | times
            self.rows[AttendanceRow].append(attendance)
            for at, kind in ((lesson["starts_at"], "party_joined"), (lesson["ends_at"], "party_left")):
                log = {
                    "at": at,
                    "type": kind,
                    "lesson_id": lesson["id"],
                    "party_id": party,
                    "user_id": None,
                    "data": {},
                }
                self.rows[UsageRow].append(log | {"connection_id": identity(f"connection {party}")})
            for at in range(1, int(LENGTH / LOGGED_EVERY)):
                self._said(lesson, party, lesson["starts_at"] + at * LOGGED_EVERY, LOGGED_EVERY, leads=False)

    def _samples(self) -> None:
        counties = {one.id: identity(f"county {one.county}") for one in self._prefecture.snapshot.schools}
        for lesson in [one for one in self.held if one["recorded"]][:SAMPLES]:
            self.rows[SampleLesson].append(
                {
                    "id": identity(f"sample {lesson['id']}"),
                    "lesson_id": lesson["id"],
                    "school_year": 2026,
                    "county_id": counties[self._school_names[lesson["lead_school_id"]]],
                    "state": "selected",
                    "reason": "",
                    "nominated_by": lesson["lead_teacher_id"],
                    "nominated_at": lesson["ends_at"],
                    "critique_id": None,
                    "decided_by": identity("administrator"),
                    "decided_at": lesson["ends_at"],
                    "decision_note": "",
                    "published_at": lesson["ends_at"],
                }
            )

    def _notices(self) -> None:
        for number, lesson in enumerate(self.held[:-NOTICES:-1]):
            for reader in ({"user_id": self.busiest_teacher, "school_id": None},
                           {"user_id": None, "school_id": self.busiest_school}):  # fmt: skip
                self.rows[Notice].append(
                    {
                        "id": identity(f"notice {number} {reader['user_id']}"),
                        "kind": "lesson_moved",
                        "data": '{"title": "课", "starts_at": "2026-11-20T01:00:00+00:00"}',
                        "lesson_id": lesson["id"],
                        "event_id": None,
                        "created_at": lesson["ends_at"],
                    }
                    | reader
                )

    def _events(self) -> None:
        for number, lesson in enumerate(self.booked[:EVENTS]):
            event = identity(f"event {number}")
            self.rows[Event].append(
                {
                    "id": event,
                    "kind": "famous_teacher",
                    "title": f"名师公开课{number}",
                    "subject": lesson["subject"],
                    "grade": lesson["grade"],
                    "description": "",
                    "organisation_id": identity("prefecture"),
                    "lead_school_id": lesson["lead_school_id"],
                    "lead_teacher_id": lesson["lead_teacher_id"],
                    "quota": SIGNUPS,
                    "waiting_limit": 20,
                    "county_quota": None,
                    "signup_until": lesson["starts_at"],
                    "state": "open",
                    "version": 1,
                    "created_by": lesson["lead_teacher_id"],
                    "created_at": self.now,
                }
            )
            self.rows[EventLesson].append({"lesson_id": lesson["id"], "event_id": event, "position": 0})
            for position in range(SIGNUPS):
                self.rows[EventSignup].append(
                    {
                        "id": identity(f"signup {number} {position}"),
                        "event_id": event,
                        "position": position,
                        "room_id": self._kits[(number * SIGNUPS + position) % len(self._kits)]["id"],
                        "class_id": None,
                        "accompanying_teacher_id": None,
                        "state": "waiting",
                        "passed_over_at": None,
                        "signed_up_by": identity("administrator"),
                        "signed_up_at": self.now,
                        "decided_at": self.now,
                    }
                )
