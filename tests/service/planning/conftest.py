"""A small county that can be paired: two lead teachers, three receiving schools, more needed than can be served."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from service.accounts.roles import Role
from service.organisation.bells import replace_bells
from service.organisation.tables import SchoolClass, Term
from service.planning.freezing_process import FreezeOrder, FreezingFailedError, FrozenInstance, freeze_with
from service.planning.solving import Order, Report, solve_here
from service.planning.tables import ClassPeriod, Demand, LeadSeries, LeadTeacher, SeriesTime
from service.problems import Problem

BELLS = [(1, "08:30", "09:10"), (2, "09:20", "10:00"), (3, "10:20", "11:00"), (4, "11:10", "11:50")]
TERM = (date(2026, 9, 1), date(2026, 10, 30))


class HereSolver:
    """Solves in this process: the same code without the cost of a new one."""

    def solve(self, name: str, order: Order, report: Report) -> str:
        return solve_here(order, report)

    def cancel(self, name: str) -> None:
        """Nothing runs beside the test."""

    def stop(self) -> None:
        """Nothing runs beside the test."""


@dataclass
class HereFreezer:
    """Freezes in this process: the same code without the cost of a new one."""

    database: Any

    def freeze(self, name: str, order: FreezeOrder) -> FrozenInstance:
        try:
            with self.database.reading() as session:
                return freeze_with(session, order)
        except Problem as problem:
            raise FreezingFailedError(problem.detail, problem.code) from problem

    def cancel(self, name: str) -> None:
        """Nothing runs beside the test."""

    def stop(self) -> None:
        """Nothing runs beside the test."""


@dataclass
class Pairable:
    """The county with what is to be planned in it; ids by short names."""

    county: Any
    term_id: str = ""
    series: dict[str, str] = field(default_factory=dict)
    demands: dict[str, str] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=dict)

    def add_class(self, name: str, school: str, grade: str = "grade_4") -> str:
        now = self.county.parts.clock.now()
        with self.county.parts.database.unit_of_work() as session:
            row = SchoolClass(
                organisation_id=self.county.organisations[school].id, name=name, grade=grade, created_at=now
            )
            session.add(row)
            session.flush()
            self.classes[name] = row.id
        return self.classes[name]

    def add_series(
        self, code: str, school: str, teacher: str, room: str, times: list[tuple[int, int]], **more: Any
    ) -> str:
        county, now = self.county, self.county.parts.clock.now()
        values = {
            "subject": "english",
            "grade": "grade_4",
            "edition": "人教版",
            "seats": 1,
            "lessons": len(times),
        } | more
        with county.parts.database.unit_of_work() as session:
            row = LeadSeries(
                organisation_id=county.organisations[school].id,
                code=code,
                teacher_id=county.users[teacher].id,
                room_id=county.rooms[room].id,
                created_at=now,
                times=[SeriesTime(weekday=weekday, period=period) for weekday, period in times],
                **values,
            )
            session.add(row)
            session.flush()
            self.series[code] = row.id
        return self.series[code]

    def add_demand(self, name: str, school: str, free: list[tuple[int, int]], lessons: int = 2, **more: Any) -> str:
        class_id = self.classes.get(name) or self.add_class(name, school)
        values = {"subject": "english", "grade": "grade_4", "edition": "人教版"} | more
        with self.county.parts.database.unit_of_work() as session:
            row = Demand(class_id=class_id, lessons=lessons, created_at=self.county.parts.clock.now(), **values)
            session.add(row)
            for weekday, period in free:
                session.merge(ClassPeriod(class_id=class_id, weekday=weekday, period=period, free=True))
            session.flush()
            self.demands[name] = row.id
        return self.demands[name]

    def crowd(self) -> None:
        """Two more classes that are only free when teacher_north leads, where one seat is left for three."""
        self.county.add_room("village 2b", "school_north_2", can_lead=False)
        for name in ("四年级4班", "四年级5班"):
            self.add_demand(name, "school_north_2", [(0, 1), (2, 1)])


MORNINGS = [(weekday, period) for weekday in range(5) for period in (1, 2, 3)]


@pytest.fixture
def pairable(county: Any) -> Pairable:
    made = Pairable(county)
    with county.parts.database.unit_of_work() as session:
        prefecture = session.merge(county.organisations["prefecture"], load=True)
        replace_bells(session, prefecture, BELLS)
        term = Term(organisation_id=prefecture.id, name="2026 秋季学期", starts_on=TERM[0], ends_on=TERM[1])
        session.add(term)
        session.flush()
        made.term_id = term.id
    county.add_organisation("school_north_3", "school", "county_north")
    county.add_user("colleague_north", Role.TEACHER, "school_north_1")
    for room in ("studio one", "studio two"):
        county.add_room(room, "school_north_1")
    for number in (2, 3):
        county.add_room(f"village {number}", f"school_north_{number}", can_lead=False)
    made.add_series("E4", "school_north_1", "teacher_north", "studio one", [(0, 1), (2, 1)])
    made.add_series("E4b", "school_north_1", "colleague_north", "studio two", [(1, 2), (3, 2)], seats=2)
    made.add_demand("四年级1班", "school_north_2", MORNINGS)
    made.add_demand("四年级2班", "school_north_3", MORNINGS)
    made.add_demand("四年级3班", "school_north_3", [(0, 1), (2, 1)])
    with county.parts.database.unit_of_work() as session:
        session.add(LeadTeacher(user_id=county.users["teacher_north"].id, weekly_limit=2))
    return made


@pytest.fixture
def make_plan(pairable: Pairable, parts: Any, signed_in: Callable[[str], Any]) -> Callable[..., dict[str, Any]]:
    """Asks for a plan as the county's administrator and makes it at once; gives what the page shows then."""
    parts.planning._solver = HereSolver()
    parts.planning._freezer = HereFreezer(parts.database)

    def make(who: str = "county_north", **fields: Any) -> dict[str, Any]:
        body = {"term_id": pairable.term_id, "name": "秋季配对", "budget_seconds": 5} | fields
        asked = signed_in(who).post("/api/plans", json=body)
        assert asked.status_code == 202, asked.text
        parts.planning.make(asked.json()["id"])
        read = signed_in(who).get(f"/api/plans/{asked.json()['id']}")
        assert read.status_code == 200, read.text
        assert read.json()["state"] == "done", read.text
        return dict(read.json())

    return make
