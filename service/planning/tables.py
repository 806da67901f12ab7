"""Tables of what a plan is made from: lead series, demands, timetables, pacts, capacities and calendars.

Everything hangs on the tables that exist already: schools are organisations, teachers are users, lead rooms are rooms,
bells are periods. Weekdays are 0 (Monday) to 6 (Sunday), periods the numbers of the school's own bells.
"""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.accounts.tables import User
from service.organisation.tables import Organisation, SchoolClass
from service.rooms.tables import Room
from service.storage.base import Base, Id, new_id

SERIES_KINDS = ("fixed", "dedicated")
"""`fixed`: the teacher's real class at its own hours (同步); `dedicated`: some of the possible hours (专递)."""
WEEKS = ("every", "odd", "even")
_WEEKDAY = "weekday BETWEEN 0 AND 6"
_PERIOD = "period BETWEEN 1 AND 30"


class SchoolCapacity(Base):
    """What a school can receive at once: rooms equipped for it and its usable link; without a row the defaults hold.

    The defaults are its number of rooms and 100 Mbit/s each way; `relay` names the relay node it is served by.
    """

    __tablename__ = "school_capacities"
    __table_args__ = (CheckConstraint("receiving_kits >= 0 AND down_kbps >= 0 AND up_kbps >= 0", name="amounts"),)

    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id", ondelete="CASCADE"), primary_key=True)
    receiving_kits: Mapped[int]
    down_kbps: Mapped[int]
    up_kbps: Mapped[int]
    relay: Mapped[str] = mapped_column(String(60), default="")


class LeadTeacher(Base):
    """How many lessons a week a teacher leads for other schools at most; teachers without a row lead four."""

    __tablename__ = "lead_teachers"
    __table_args__ = (CheckConstraint("weekly_limit >= 0", name="weekly_limit"),)

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    weekly_limit: Mapped[int]


class LeadSeries(Base):
    """A weekly class that others can attend: up to `lessons` of its times, `seats` receiving rooms in each lesson.

    `code` is the name under which an imported file knows it, unique in its school; `class_id` is the class that sits
    in front of the teacher (none in a studio). A series that is not `active` is left out of new plans.
    """

    __tablename__ = "lead_series"
    __table_args__ = (
        CheckConstraint(f"kind IN {SERIES_KINDS!r}", name="kind"),
        CheckConstraint("seats >= 1 AND lessons >= 1", name="amounts"),
        UniqueConstraint("organisation_id", "code"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    code: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(10), default="fixed")
    teacher_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    room_id: Mapped[str] = mapped_column(ForeignKey("rooms.id"), index=True)
    class_id: Mapped[str | None] = mapped_column(ForeignKey("classes.id"))
    subject: Mapped[str] = mapped_column(String(40))
    grade: Mapped[str] = mapped_column(String(20))
    edition: Mapped[str] = mapped_column(String(60), default="")
    seats: Mapped[int] = mapped_column(default=3)
    lessons: Mapped[int]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]

    school: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    teacher: Mapped[User] = relationship(lazy="selectin")
    room: Mapped[Room] = relationship(lazy="selectin")
    times: Mapped[list["SeriesTime"]] = relationship(
        lazy="selectin", order_by="SeriesTime.weekday, SeriesTime.period", cascade="all, delete-orphan"
    )


class SeriesTime(Base):
    """One hour a week at which a series may be taught, by the lead school's bells."""

    __tablename__ = "lead_series_times"
    __table_args__ = (
        CheckConstraint(_WEEKDAY, name="weekday"),
        CheckConstraint(_PERIOD, name="period"),
        CheckConstraint(f"weeks IN {WEEKS!r}", name="weeks"),
    )

    series_id: Mapped[str] = mapped_column(ForeignKey("lead_series.id", ondelete="CASCADE"), primary_key=True)
    weekday: Mapped[int] = mapped_column(primary_key=True)
    period: Mapped[int] = mapped_column(primary_key=True)
    weeks: Mapped[str] = mapped_column(String(5), default="every")


class ClassPeriod(Base):
    """One hour of a class's own timetable by its school's bells. Only hours with `free` can be used by a plan.

    An hour without a row is busy: what nobody stated is not free. `subject` says what is taught in a busy hour, "" if
    nobody said.
    """

    __tablename__ = "class_periods"
    __table_args__ = (CheckConstraint(_WEEKDAY, name="weekday"), CheckConstraint(_PERIOD, name="period"))

    class_id: Mapped[str] = mapped_column(ForeignKey("classes.id", ondelete="CASCADE"), primary_key=True)
    weekday: Mapped[int] = mapped_column(primary_key=True)
    period: Mapped[int] = mapped_column(primary_key=True)
    free: Mapped[bool]
    subject: Mapped[str] = mapped_column(String(40), default="")


class Demand(Base):
    """A class needs `lessons` a week of a subject that its school cannot teach itself.

    `grade` and `edition` are those of the lessons wanted (a mixed class may differ from its own grade). `room_id` is
    where it would sit; without one a plan takes any room of the school that is not in use.
    """

    __tablename__ = "demands"
    __table_args__ = (CheckConstraint("lessons >= 1", name="lessons"), UniqueConstraint("class_id", "subject"))

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    class_id: Mapped[str] = mapped_column(ForeignKey("classes.id"))
    subject: Mapped[str] = mapped_column(String(40))
    grade: Mapped[str] = mapped_column(String(20))
    edition: Mapped[str] = mapped_column(String(60), default="")
    lessons: Mapped[int]
    room_id: Mapped[str | None] = mapped_column(ForeignKey("rooms.id"))
    accompanying_teacher_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    last_lead_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    """The teacher who led it last term: kept if possible."""
    created_at: Mapped[datetime]

    school_class: Mapped[SchoolClass] = relationship(lazy="joined", innerjoin=True)


class Pact(Base):
    """Two schools agreed to work together (结对); the order of the two says nothing, the lesser id comes first."""

    __tablename__ = "pacts"
    __table_args__ = (CheckConstraint("one_id < other_id", name="order"), UniqueConstraint("one_id", "other_id"))

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    one_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    other_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"), index=True)
    name: Mapped[str] = mapped_column(String(60), default="")


class SpecialDay(Base):
    """A date that does not run as its own weekday at an organisation and below it; the nearest to a school wins.

    `runs` is the weekday whose timetable a make-up day (调休) runs, nothing on a day off; `of_week` says that the odd
    or the even week's timetable runs.
    """

    __tablename__ = "special_days"
    __table_args__ = (
        CheckConstraint("runs IS NULL OR runs BETWEEN 0 AND 6", name="runs"),
        CheckConstraint("of_week IS NULL OR of_week IN ('odd', 'even')", name="of_week"),
    )

    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    runs: Mapped[int | None]
    of_week: Mapped[str | None] = mapped_column(String(4))
    name: Mapped[str] = mapped_column(String(60), default="")


class SeasonPeriod(Base):
    """One period of bells that ring at an organisation and below it from a day on (夏季/冬季作息).

    Until the first season begins the organisation's `periods` ring; an organisation with bells of its own, seasonal or
    not, does not ring those from above.
    """

    __tablename__ = "season_periods"
    __table_args__ = (CheckConstraint("number BETWEEN 1 AND 30", name="number"),)

    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id", ondelete="CASCADE"), primary_key=True)
    from_day: Mapped[date] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    starts: Mapped[str] = mapped_column(String(5))
    ends: Mapped[str] = mapped_column(String(5))
