"""What the demonstration county is to pair: lead series of its strong schools, demands and free periods of the others.

More is needed than can be served, so that a plan has something to explain. Added once, to an old county too.
"""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from service.accounts.roles import Role
from service.accounts.tables import User
from service.demo.names import COUNTIES, School
from service.organisation.bells import effective_bells
from service.organisation.tables import Organisation, SchoolClass
from service.parts import Parts
from service.planning.tables import ClassPeriod, Demand, LeadSeries, LeadTeacher, Pact, SchoolCapacity, SeriesTime
from service.rooms.tables import Room

EDITION = "人教版"
NEEDED = (("english", 2), ("music", 2), ("art", 1), ("science", 1))
LED = ("english", "music", "art", "science", "english")
SCHOOL_DAYS = 5


def fill_demands(parts: Parts) -> None:
    """Add what is to be planned, unless something is there already."""
    now = parts.clock.now()
    with parts.database.unit_of_work() as session:
        if session.scalar(select(LeadSeries.id).limit(1)) is not None:
            return
        for schools in COUNTIES.values():
            rows = {row.name: row for row in session.scalars(_organisations(schools))}
            for number, school in enumerate(schools):
                _School(session, school, rows[school.name], number, now).fill()
            _pacts(session, schools, rows)


class _School:
    """One school's part: a strong one leads, a small one needs."""

    def __init__(self, session: Session, school: School, row: Organisation, number: int, now: datetime) -> None:
        self._session, self._school, self._row, self._number, self._now = session, school, row, number, now
        self._periods = [period.number for period in effective_bells(session, row).periods]
        statement = select(SchoolClass).where(SchoolClass.organisation_id == row.id)
        self._classes = list(session.scalars(statement.order_by(SchoolClass.grade, SchoolClass.name)))

    def fill(self) -> None:
        """Series for a school that can lead, demands for one that cannot."""
        rooms = select(Room).where(Room.organisation_id == self._row.id, Room.can_lead).order_by(Room.name)
        studios = list(self._session.scalars(rooms))
        if studios:
            for index, teacher in enumerate(self._teachers()):
                self._series(index, teacher, studios[index % len(studios)])
            return
        self._session.add(
            SchoolCapacity(organisation_id=self._row.id, receiving_kits=2, down_kbps=12_000, up_kbps=12_000)
        )
        for one in self._classes:
            self._needs(one)

    def _teachers(self) -> list[User]:
        statement = select(User).where(User.organisation_id == self._row.id, User.role == Role.TEACHER)
        return list(self._session.scalars(statement.order_by(User.username)))[: len(LED)]

    def _series(self, index: int, teacher: User, studio: Room) -> None:
        grades = sorted({one.grade for one in self._classes})
        for step, grade in enumerate(grades):
            # Every other grade, and the next strong school those between: few subjects of a grade are led by nobody.
            if (step + index + self._number // 2) % 2 and len(grades) > 1:
                continue
            times = list(self._times(index * 7 + step * 3 + self._number))
            self._session.add(
                LeadSeries(
                    organisation_id=self._row.id,
                    code=f"{LED[index]}-{grade}-{index + 1}",
                    kind="fixed" if step % 3 else "dedicated",
                    teacher_id=teacher.id,
                    room_id=studio.id,
                    subject=LED[index],
                    grade=grade,
                    edition=EDITION,
                    seats=2,
                    lessons=2,
                    created_at=self._now,
                    times=times if not step % 3 else times[:2],
                )
            )
        self._session.add(LeadTeacher(user_id=teacher.id, weekly_limit=4))

    def _times(self, start: int) -> Iterator[SeriesTime]:
        usable = self._periods[1:6]
        for step in range(4):
            yield SeriesTime(
                weekday=(start + 2 * step) % SCHOOL_DAYS, period=usable[(start + step) % len(usable)], weeks="every"
            )

    def _needs(self, one: SchoolClass) -> None:
        seed = int(one.grade.rpartition("_")[2]) + self._number
        for weekday in range(SCHOOL_DAYS):
            for period in self._periods:
                free = 1 < period < 7 and (weekday + period + seed) % 3 != 0
                subject = "" if free else ("chinese", "mathematics")[period % 2]
                self._session.add(
                    ClassPeriod(class_id=one.id, weekday=weekday, period=period, free=free, subject=subject)
                )
        for subject, lessons in NEEDED:
            self._session.add(
                Demand(
                    class_id=one.id,
                    subject=subject,
                    grade=one.grade,
                    edition=EDITION,
                    lessons=lessons,
                    created_at=self._now,
                )
            )


def _organisations(schools: tuple[School, ...]) -> Select[Organisation]:
    return select(Organisation).where(
        Organisation.name.in_([school.name for school in schools]), Organisation.kind == "school"
    )


def _pacts(session: Session, schools: tuple[School, ...], rows: dict[str, Organisation]) -> None:
    """Each small school has an agreement with one that leads."""
    strong = [school.name for school in schools if school.lead_rooms]
    small = [school.name for school in schools if not school.lead_rooms]
    for number, name in enumerate(small):
        pair = sorted((rows[name].id, rows[strong[number % len(strong)]].id))
        session.add(Pact(one_id=pair[0], other_id=pair[1], name="结对帮扶"))
