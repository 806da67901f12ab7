"""Turns the weekly pairings of a plan into dated lessons, through the calendar of every school that takes part.

Each weekly time of a series is a series of its own for the calendar, because a demand may attend one time and not
another.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.calendar.occurrences import Occurrence, expand
from scheduler.calendar.school_days import SchoolCalendar
from scheduler.calendar.series import LeadSide, ReceivingSide, WeeklySeries, WeeklyTime
from scheduler.check.week_plan import Pairing
from scheduler.instance.snapshot import DAY_MINUTES, Interval, Snapshot
from scheduler.instance.week import mask_of
from scheduler.timetable import Bells, minute_of_day
from service.organisation.tables import Organisation
from service.planning.calendars import in_batches
from service.planning.freezing import receiving_rooms, week_interval
from service.planning.tables import Demand, LeadSeries
from service.problems import Conflict


@dataclass(frozen=True)
class Dated:
    """One dated lesson of a plan: the series and the index of its weekly time, and the calendar's occurrence.

    The ids of its attending sides are ids of demands.
    """

    series: LeadSeries
    time_index: int
    occurrence: Occurrence


class Dating:
    """Knows the rows behind an instance's series and demands, and where each demand sits at each time."""

    def __init__(
        self,
        session: Session,
        snapshot: Snapshot,
        calendars: Mapping[str, SchoolCalendar],
        bells: Mapping[str, Bells],
        places: Mapping[str, Organisation],
    ) -> None:
        self._snapshot, self._calendars, self._bells, self._places = snapshot, calendars, bells, places
        self.series = _rows(session, LeadSeries, (one.id for one in snapshot.series))
        self.demands = _rows(session, Demand, (one.id for one in snapshot.demands))
        self._rooms = {
            school: [room.id for room in rooms]
            for school, rooms in receiving_rooms(session, places, (row.room_id for row in self.series.values())).items()
        }

    def weekly_time(self, series_id: str, index: int) -> tuple[int, int]:
        """Weekday and period of a series' time. Raises Conflict `plan_stale` if its row says otherwise by now."""
        row, time = self.series.get(series_id), self._snapshot.series_of[series_id].times[index]
        bells = self._bells.get(row.organisation_id) if row else None
        if row is not None and bells is not None:
            for one in row.times:
                if week_interval(bells, one.weekday, one.period) == time:
                    return one.weekday, one.period
        raise Conflict("Series or bells have changed since the plan was made; make a new one.", code="plan_stale")

    def rooms_of(self, demand_id: str) -> Sequence[str]:
        """The rooms a demand can sit in, its own first."""
        return self._choice(demand_id, None)

    def seat(self, pairings: Iterable[Pairing]) -> dict[tuple[str, int], str]:
        """A receiving room for each (demand, time index): its own if it has one, else a room that is free then."""
        taken: dict[str, int] = defaultdict(int)
        seats: dict[tuple[str, int], str] = {}
        wishes = sorted(
            ((self._snapshot.series_of[one.series].times[at], one.demand, at) for one in pairings for at in one.times),
            key=lambda wish: (self._demand(wish[1]).room_id is None, wish),
        )
        usual: dict[str, str] = {}
        for time, demand, at in wishes:
            rooms = self._choice(demand, usual.get(demand))
            room = next((one for one in rooms if not taken[one] & mask_of(*time)), rooms[0] if rooms else None)
            if room is None:
                raise Conflict("A receiving school has no room any more; make a new plan.", code="plan_stale")
            taken[room] |= mask_of(*time)
            seats[demand, at] = room
            usual.setdefault(demand, room)
        return seats

    def dated(
        self, series_id: str, index: int, seats: Mapping[str, str], first_day: date, last_day: date
    ) -> list[Dated]:
        """The dated lessons of one weekly time of a series; `seats` are the attending demands with their rooms."""
        row = self.series.get(series_id)
        weekday, period = self.weekly_time(series_id, index)
        assert row is not None  # noqa: S101 - weekly_time refused it otherwise
        sides = tuple(self._side(demand, room) for demand, room in sorted(seats.items()))
        time = self._snapshot.series_of[series_id].times[index]
        keeps = tuple(
            (side.id, period_number)
            for side in sides
            if (period_number := self._free_period(side.school_id, time)) is not None
        )
        weeks = next(one.weeks for one in row.times if (one.weekday, one.period) == (weekday, period))
        weekly = WeeklySeries(
            id=f"{series_id}.{index}",
            title="",
            lead=LeadSide(row.organisation_id, row.room_id, row.teacher_id, row.class_id),
            receivers=sides,
            weekly=(WeeklyTime(str(index), weekday, period, weeks, keeps),),  # type: ignore[arg-type]
            first_day=first_day,
            last_day=last_day,
        )
        return [Dated(row, index, one) for one in expand(weekly, self._calendars) if one.takes_place]

    def _demand(self, demand_id: str) -> Demand:
        try:
            return self.demands[demand_id]
        except KeyError:
            raise Conflict("A demand is gone since the plan was made; make a new one.", code="plan_stale") from None

    def _choice(self, demand_id: str, usual: str | None) -> Sequence[str]:
        demand = self._demand(demand_id)
        rooms = self._rooms.get(demand.school_class.organisation_id, [])
        first = [room for room in (demand.room_id, usual) if room is not None]
        return [*first, *(room for room in rooms if room not in first)]

    def _side(self, demand_id: str, room_id: str) -> ReceivingSide:
        demand = self._demand(demand_id)
        school = demand.school_class.organisation_id
        return ReceivingSide(demand_id, school, room_id, demand.class_id, demand.accompanying_teacher_id)

    def _free_period(self, school: str, time: Interval) -> int | None:
        """The receiving school's period that holds three quarters of the lesson."""
        start, end = time[0] % DAY_MINUTES, time[1] - time[0] + time[0] % DAY_MINUTES
        for period in self._bells[school]:
            inside = min(end, minute_of_day(period.ends)) - max(start, minute_of_day(period.starts))
            if 4 * inside >= 3 * (end - start):
                return period.number
        return None


Row = TypeVar("Row", LeadSeries, Demand)


def _rows(session: Session, kind: type[Row], ids: Iterable[str]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for some in in_batches(ids):
        found |= {row.id: row for row in session.scalars(select(kind).where(kind.id.in_(some)))}
    return found
