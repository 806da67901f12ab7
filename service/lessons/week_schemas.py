"""The week of several schools as the API gives it."""

from datetime import date, datetime

from pydantic import BaseModel, Field

from service.lessons.schemas import NamedView, SchoolView


class GridPeriod(BaseModel):
    """A period of a school on a date, and how much is free in it. `classes` names the first of the free classes."""

    number: int
    starts_at: datetime
    ends_at: datetime
    rooms_free: int
    lead_rooms_free: int
    rooms: int
    classes_free: int = Field(description="Classes whose timetable leaves the period free and that nobody booked.")
    classes: list[NamedView]


class WeekDay(BaseModel):
    """A date of a school; `runs` is the weekday whose timetable runs, none when it does not teach."""

    date: date
    runs: int | None
    make_up: bool
    periods: list[GridPeriod]


class SchoolWeek(BaseModel):
    """A school's week."""

    school: SchoolView
    own: bool
    days: list[WeekDay]


class BusySpan(BaseModel):
    """A lesson of the teacher; `waits` while a school has not answered."""

    lesson_id: str
    title: str
    starts_at: datetime
    ends_at: datetime
    leads: bool
    waits: bool


class WeekGrid(BaseModel):
    """Schools side by side for a week, and what the teacher has to do in it."""

    monday: date
    schools: list[SchoolWeek]
    busy: list[BusySpan]


class Partners(BaseModel):
    """Schools one works with."""

    items: list[SchoolView]
    total: int
