"""Shapes a plan's demands: what each gets, and for one of them every candidate with what stands in its way."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.instance.snapshot import DAY_MINUTES, Interval
from service.organisation.tables import Organisation, SchoolClass
from service.planning.calendars import in_batches
from service.planning.names import Names, load_names
from service.planning.opened import OpenedPlan
from service.planning.schemas import (
    Blocker,
    BookingInWay,
    Candidate,
    CandidateTime,
    DemandPage,
    DemandRow,
    DemandState,
    LeadBrief,
    NamedPlace,
    Remedy,
    WeekTime,
    Why,
)
from service.planning.tables import Demand
from service.problems import NotFound


@dataclass(frozen=True)
class DemandFilter:
    """Which demands are asked for; None does not restrict. `search` is part of a school's or class's name."""

    state: DemandState | None = None
    subject: str | None = None
    county_id: str | None = None
    search: str | None = None


def week_time(interval: Interval) -> WeekTime:
    """A time of the week as a weekday and wall clock."""
    start, end = interval
    weekday, from_minute = divmod(start, DAY_MINUTES)
    return WeekTime(weekday=weekday, starts=_clock(from_minute), ends=_clock(end - weekday * DAY_MINUTES))


def list_demands(session: Session, opened: OpenedPlan, wanted: DemandFilter, limit: int, offset: int) -> DemandPage:
    """Demands that match, the least served first."""
    found = [one for one in opened.snapshot.demands if _matches(opened, one.id, wanted)]
    if wanted.search:
        named = _named(session, opened, wanted.search)
        found = [one for one in found if one.class_id in named]
    counts: dict[DemandState, int] = {"unserved": 0, "under": 0, "served": 0}
    for one in found:
        counts[state_of(opened, one.id)] += 1
    if wanted.state is not None:
        found = [one for one in found if state_of(opened, one.id) == wanted.state]
    found.sort(key=lambda one: (opened.served.get(one.id, 0) / one.lessons, one.id))
    page = [one.id for one in found[offset : offset + limit]]
    return DemandPage(items=_Rows(session, opened, page).rows(), total=len(found), counts=counts)


def explain(session: Session, opened: OpenedPlan, demand_id: str) -> Why:
    """Why a demand gets what it gets. Raises NotFound for one that is not in the plan."""
    if demand_id not in opened.snapshot.demand_of:
        raise NotFound("There is no such demand in this plan.")
    said = opened.why(demand_id)
    spoken_of = {demand_id}
    for time in (time for candidate in said["candidates"] for time in candidate["times"]):
        spoken_of |= {one["demand"] for blocker in time["blockers"] for one in blocker["bookings"]}
        spoken_of |= {one["demand"] for one in time.get("would_yield", ())}
    rows = _Rows(session, opened, spoken_of, series={one["series"] for one in said["candidates"]})
    return Why(demand=rows.row(demand_id, said), candidates=[rows.candidate(one) for one in said["candidates"]])


def rows_of(session: Session, opened: OpenedPlan, demands: Iterable[str]) -> list[DemandRow]:
    """These demands of the plan, in this order."""
    return _Rows(session, opened, demands).rows()


def state_of(opened: OpenedPlan, demand_id: str) -> DemandState:
    """Whether a demand is unserved, under-served or served."""
    served = opened.served.get(demand_id, 0)
    if not served:
        return "unserved"
    return "under" if served < opened.snapshot.demand_of[demand_id].lessons else "served"


def _matches(opened: OpenedPlan, demand_id: str, wanted: DemandFilter) -> bool:
    snapshot = opened.snapshot
    demand = snapshot.demand_of[demand_id]
    if wanted.subject is not None and demand.subject != wanted.subject:
        return False
    school = snapshot.school_of[snapshot.class_of[demand.class_id].school]
    return wanted.county_id is None or school.county == wanted.county_id


def _named(session: Session, opened: OpenedPlan, search: str) -> set[str]:
    statement = (
        select(SchoolClass.id)
        .join(Organisation, SchoolClass.organisation_id == Organisation.id)
        .where(
            SchoolClass.name.icontains(search, autoescape=True) | Organisation.name.icontains(search, autoescape=True)
        )
    )
    return set(session.scalars(statement)) & opened.snapshot.class_of.keys()


class _Rows:
    """Rows of some demands with the names of everything they speak of."""

    def __init__(
        self, session: Session, opened: OpenedPlan, demands: Iterable[str], series: Iterable[str] = ()
    ) -> None:
        self._opened, self._snapshot = opened, opened.snapshot
        self._ids = list(demands)
        self._pairing = {one.demand: one for one in opened.plan.pairings}
        spoken = {*series, *(self._pairing[one].series for one in self._ids if one in self._pairing)}
        self._names = self._load(session, spoken)
        self._grades = {
            row.id: row.grade
            for some in in_batches(self._ids)
            for row in session.execute(select(Demand.id, Demand.grade).where(Demand.id.in_(some)))
        }

    def rows(self) -> list[DemandRow]:
        return [self.row(one, self._opened.unserved.get(one, {})) for one in self._ids]

    def row(self, demand_id: str, said: Mapping[str, Any]) -> DemandRow:
        demand = self._snapshot.demand_of[demand_id]
        one = self._snapshot.class_of[demand.class_id]
        pairing = self._pairing.get(demand_id)
        series = self._snapshot.series_of[pairing.series] if pairing else None
        short = state_of(self._opened, demand_id) != "served"
        return DemandRow(
            id=demand_id,
            school=NamedPlace(id=one.school, name=self._names.any(one.school)),
            county=self._names.any(self._snapshot.school_of[one.school].county),
            class_name=self._names.any(one.id),
            subject=demand.subject,
            grade=self._grades.get(demand_id, f"grade_{demand.grade}"),
            edition=demand.edition,
            needed=demand.lessons,
            served=self._opened.served.get(demand_id, 0),
            state=state_of(self._opened, demand_id),
            status=said.get("status") if short else None,
            reasons=said.get("reasons", {}) if short else {},
            remedies=[self._remedy(one) for one in said.get("remedies", ())] if short else [],
            lead=self._lead(pairing.series) if pairing else None,
            times=[week_time(series.times[at]) for at in pairing.times] if pairing and series else [],
        )

    def candidate(self, said: Mapping[str, Any]) -> Candidate:
        series = self._snapshot.series_of[said["series"]]
        return Candidate(
            lead=self._lead(series.id),
            times=[
                CandidateTime(
                    time=week_time(series.times[time["time"]]),
                    attends=time["attends"],
                    blockers=[
                        Blocker(rule=one["rule"], bookings=[self._booking(booked) for booked in one["bookings"]])
                        for one in time["blockers"]
                    ],
                    would_yield=[self._booking(one) for one in time.get("would_yield", ())],
                )
                for time in said["times"]
            ],
        )

    def _lead(self, series_id: str) -> LeadBrief:
        series = self._snapshot.series_of[series_id]
        school = self._snapshot.school_of[self._snapshot.teacher_of[series.teacher].school]
        return LeadBrief(
            series_id=series_id,
            teacher=self._names.any(series.teacher),
            school=self._names.any(school.id),
            county=self._names.any(school.county),
            kind=series.kind,
            edition=series.edition,
            seats=series.seats,
        )

    def _remedy(self, said: Mapping[str, Any]) -> Remedy:
        resource = said["resource"]
        series = self._snapshot.series_of.get(resource)
        name = self._names.any(series.teacher if series else resource)
        return Remedy(rule=said["rule"], resource=resource, name=name)

    def _booking(self, said: Mapping[str, Any]) -> BookingInWay:
        series = self._snapshot.series_of[said["series"]]
        demand = self._snapshot.demand_of[said["demand"]]
        one = self._snapshot.class_of[demand.class_id]
        return BookingInWay(
            school=self._names.any(one.school),
            class_name=self._names.any(one.id),
            subject=demand.subject,
            teacher=self._names.any(series.teacher),
            time=week_time(series.times[said["time"]]),
            coverage_of_school=said.get("coverage_of_school"),
        )

    def _load(self, session: Session, series: set[str]) -> Names:
        snapshot = self._snapshot
        remedies = [
            remedy["resource"] for one in self._ids for remedy in self._opened.unserved.get(one, {}).get("remedies", ())
        ]
        leads = [snapshot.series_of[one] for one in {*series, *(one for one in remedies if one in snapshot.series_of)}]
        classes = {snapshot.demand_of[one].class_id for one in self._ids}
        schools = {snapshot.class_of[one].school for one in classes}
        schools |= {snapshot.teacher_of[one.teacher].school for one in leads}
        counties = {snapshot.school_of[one].county for one in schools}
        return load_names(
            session,
            organisations={*schools, *counties, *remedies},
            users={*(one.teacher for one in leads), *remedies},
            classes=classes,
        )


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
