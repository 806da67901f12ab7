"""A generated instance as rows of the product's own tables: schools, people, rooms, bells, timetables, demands."""

from collections import defaultdict
from datetime import datetime, timedelta
from hashlib import md5
from typing import Any

from scheduler.instance.snapshot import DAY_MINUTES, Snapshot
from service.accounts.roles import Role
from service.accounts.tables import User
from service.accounts.usernames import username_key
from service.organisation.curriculum import GRADES
from service.organisation.tables import Organisation, Period, SchoolClass, Term
from service.planning.tables import ClassPeriod, Demand, LeadSeries, LeadTeacher, Pact, SchoolCapacity, SeriesTime
from service.rooms.tables import Room

GRADE_CODES = list(GRADES)
SUBJECT_CODES = {"it": "information"}
"""Of the instance's subjects those that the product calls otherwise."""
PEOPLE, SCHOOLS = 22_005, 1_194
"""Teachers and schools of the whole prefecture; a smaller one has as many teachers for each school."""


def identity(name: str) -> str:
    """A row's id for an instance's."""
    return md5(name.encode(), usedforsecurity=False).hexdigest()


class Prefecture:
    """An instance as rows of the product's tables; ids follow from names, so that every database has the same."""

    def __init__(self, snapshot: Snapshot, now: datetime) -> None:
        self.snapshot, self.now = snapshot, now
        self.rows: dict[type[Any], list[dict[str, Any]]] = defaultdict(list)
        self.root = identity("prefecture")
        self.paths: dict[str, str] = {}
        self._places()
        self._people_and_rooms()
        self._timetables()

    def _place(self, key: str, name: str, kind: str, parent: str | None) -> None:
        above = self.paths[parent] if parent else "/"
        self.paths[key] = f"{above}{identity(key)}/"
        self.rows[Organisation].append(
            {
                "id": identity(key),
                "parent_id": identity(parent) if parent else None,
                "name": name,
                "kind": kind,
                "path": self.paths[key],
                "is_root": True if parent is None else None,
                "created_at": self.now,
            }
        )

    def _places(self) -> None:
        self._place("prefecture", "青禾州", "prefecture", None)
        for number, county in enumerate(sorted({school.county for school in self.snapshot.schools}), 1):
            self._place(f"county {county}", f"第{number}县", "county", "prefecture")
        for number, school in enumerate(self.snapshot.schools, 1):
            self._place(school.id, f"第{number}小学", "school", f"county {school.county}")
            self.rows[SchoolCapacity].append(
                {
                    "organisation_id": identity(school.id),
                    "receiving_kits": school.kits,
                    "down_kbps": school.down_kbps,
                    "up_kbps": school.up_kbps,
                    "relay": school.node,
                }
            )
            for kit in range(max(1, school.kits)):
                self._room(f"kit {school.id} {kit}", f"听课教室{kit + 1}", school.id, False)
        self.rows[Term].append(
            {
                "id": identity("term"),
                "organisation_id": self.root,
                "name": "学期",
                "starts_on": self.now.date() - timedelta(days=20),
                "ends_on": self.now.date() + timedelta(days=100),
            }
        )

    def _room(self, key: str, name: str, school: str, can_lead: bool) -> None:
        self.rows[Room].append(
            {
                "id": identity(key),
                "organisation_id": identity(school),
                "name": name,
                "can_lead": can_lead,
                "recording_consent": "granted",
                "created_at": self.now,
            }
        )

    def user(self, key: str, name: str, role: Role, place: str) -> None:
        """Add a person; `place` is the name of an organisation."""
        self.rows[User].append(
            {
                "id": identity(key),
                "username": key.replace(" ", "-"),
                "username_key": username_key(key.replace(" ", "-")),
                "display_name": name,
                "password_hash": "",
                "role": role,
                "organisation_id": identity(place),
                "locale": "zh-CN",
                "disabled": False,
                "one_time_password": False,
                "created_at": self.now,
            }
        )

    def _people_and_rooms(self) -> None:
        self.user("administrator", "州管理员", Role.PREFECTURE_ADMINISTRATOR, "prefecture")
        for number, teacher in enumerate(self.snapshot.teachers, 1):
            self.user(teacher.id, f"教师{number}", Role.TEACHER, teacher.school)
            self.rows[LeadTeacher].append({"user_id": identity(teacher.id), "weekly_limit": teacher.weekly_limit})
        schools = self.snapshot.schools
        people = max(len(self.snapshot.teachers), PEOPLE * len(schools) // SCHOOLS)
        for number in range(people - len(self.snapshot.teachers)):
            self.user(f"colleague {number}", f"任课教师{number}", Role.TEACHER, schools[number % len(schools)].id)
        for number, studio in enumerate(self.snapshot.studios, 1):
            self._room(studio.id, f"录播教室{number}", studio.school, True)

    def _timetables(self) -> None:
        bells = self._bells()
        number_of = {school: {span: at for at, span in enumerate(spans, 1)} for school, spans in bells.items()}
        for school, spans in bells.items():
            for at, (start, end) in enumerate(spans, 1):
                clock = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in (start, end)]
                period = {"organisation_id": identity(school), "number": at, "starts": clock[0], "ends": clock[1]}
                self.rows[Period].append(period)
        for one in self.snapshot.classes:
            row = {"id": identity(one.id), "organisation_id": identity(one.school), "created_at": self.now}
            self.rows[SchoolClass].append(row | {"name": one.id[-20:], "grade": "grade_3"})
            for start, end in one.free:
                day = start // DAY_MINUTES
                hour = number_of[one.school][start % DAY_MINUTES, end - day * DAY_MINUTES]
                free = {"class_id": identity(one.id), "weekday": day, "period": hour, "free": True, "subject": ""}
                self.rows[ClassPeriod].append(free)
        school_of = {studio.id: studio.school for studio in self.snapshot.studios}
        for one in self.snapshot.series:
            school = school_of[one.studio]
            self.rows[LeadSeries].append(
                {
                    "id": identity(one.id),
                    "organisation_id": identity(school),
                    "code": one.id[-50:],
                    "kind": one.kind,
                    "teacher_id": identity(one.teacher),
                    "room_id": identity(one.studio),
                    "class_id": None,
                    "subject": SUBJECT_CODES.get(one.subject, one.subject),
                    "grade": GRADE_CODES[one.grade - 1],
                    "edition": one.edition,
                    "seats": one.seats,
                    "lessons": one.lessons,
                    "active": True,
                    "created_at": self.now,
                }
            )
            for start, end in one.times:
                day = start // DAY_MINUTES
                hour = number_of[school][start % DAY_MINUTES, end - day * DAY_MINUTES]
                time_row = {"series_id": identity(one.id), "weekday": day, "period": hour, "weeks": "every"}
                self.rows[SeriesTime].append(time_row)
        for one in self.snapshot.demands:
            self.rows[Demand].append(
                {
                    "id": identity(one.id),
                    "class_id": identity(one.class_id),
                    "subject": SUBJECT_CODES.get(one.subject, one.subject),
                    "grade": GRADE_CODES[one.grade - 1],
                    "edition": one.edition,
                    "lessons": one.lessons,
                    "last_lead_id": identity(one.last_lead) if one.last_lead else None,
                    "created_at": self.now,
                }
            )
        for one, other in self.snapshot.pacts:
            first, second = sorted((identity(one), identity(other)))
            self.rows[Pact].append({"id": identity(f"{one}{other}"), "one_id": first, "other_id": second, "name": ""})

    def _bells(self) -> dict[str, list[tuple[int, int]]]:
        """Each school's periods: the spans its classes and series use, later ones that overlap an earlier left out."""
        spans: dict[str, set[tuple[int, int]]] = defaultdict(set)
        school_of = {studio.id: studio.school for studio in self.snapshot.studios}
        used = [(one.school, span) for one in self.snapshot.classes for span in one.free]
        used += [(school_of[one.studio], span) for one in self.snapshot.series for span in one.times]
        for school, (start, end) in used:
            spans[school].add((start % DAY_MINUTES, end - DAY_MINUTES * (start // DAY_MINUTES)))
        return {school: sorted(found) for school, found in spans.items()}
