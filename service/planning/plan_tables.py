"""Tables of plans, the dated lessons made from them, changes with their proposals, and calendar subscriptions."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.organisation.tables import Organisation, Term
from service.storage.base import Base, Id, new_id

PLAN_STATES = ("queued", "running", "done", "failed", "cancelled", "accepted", "replaced")
CHANGE_STATES = ("open", "accepted", "withdrawn")
PROPOSAL_KINDS = ("substitute", "fewest_changes", "best")


class Plan(Base):
    """One run of the planner over an organisation's subtree for a term, and what it came to.

    It has a document as soon as its instance is frozen. `assumptions` (JSON) is what a what-if changed; `version` grows
    when the plan is accepted or its lessons change.
    """

    __tablename__ = "plans"
    __table_args__ = (CheckConstraint(f"state IN {PLAN_STATES!r}", name="state"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"), index=True)
    term_id: Mapped[str] = mapped_column(ForeignKey("terms.id"))
    name: Mapped[str] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(10), default="queued")
    base_plan_id: Mapped[str | None] = mapped_column(ForeignKey("plans.id"))
    assumptions: Mapped[str] = mapped_column(Text, default="{}")
    budget_seconds: Mapped[int]
    seed: Mapped[int]
    instance: Mapped[str] = mapped_column(String(64), default="")
    stage: Mapped[str] = mapped_column(String(20), default="")
    score: Mapped[int | None]
    bound: Mapped[int | None]
    gap_pct: Mapped[float | None]
    failure: Mapped[str] = mapped_column(String(500), default="")
    failure_code: Mapped[str | None] = mapped_column(String(40))
    left_out: Mapped[str] = mapped_column(Text, default="[]", server_default="[]")
    """What could not be frozen into its instance (JSON): pairs of kind and name."""
    recorded: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether its lessons are recorded; chosen when it is accepted."""
    version: Mapped[int] = mapped_column(default=1)
    created_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    accepted_by: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    accepted_at: Mapped[datetime | None]

    organisation: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    term: Mapped[Term] = relationship(lazy="joined", innerjoin=True)


class PlanDocument(Base):
    """The frozen instance a plan was made from and the plan itself, both in the scheduler's JSON formats."""

    __tablename__ = "plan_documents"

    plan_id: Mapped[str] = mapped_column(ForeignKey("plans.id", ondelete="CASCADE"), primary_key=True)
    snapshot: Mapped[str] = mapped_column(Text)
    plan: Mapped[str | None] = mapped_column(Text)


class PlannedLesson(Base):
    """A dated lesson that came from a plan: which hour of which series on which day of the timetable."""

    __tablename__ = "planned_lessons"
    __table_args__ = (UniqueConstraint("plan_id", "series_id", "day", "time_index"),)

    lesson_id: Mapped[str] = mapped_column(ForeignKey("lessons.id", ondelete="CASCADE"), primary_key=True)
    plan_id: Mapped[str] = mapped_column(ForeignKey("plans.id"))
    series_id: Mapped[str] = mapped_column(ForeignKey("lead_series.id"), index=True)
    time_index: Mapped[int]
    day: Mapped[date]


class PlannedReceiver(Base):
    """Which demand a receiver of a planned lesson serves."""

    __tablename__ = "planned_receivers"

    receiver_id: Mapped[str] = mapped_column(ForeignKey("lesson_receivers.id", ondelete="CASCADE"), primary_key=True)
    demand_id: Mapped[str] = mapped_column(ForeignKey("demands.id"), index=True)


class Change(Base):
    """Something that happened to an accepted plan over some days; `what` (JSON) says whom or what it concerns."""

    __tablename__ = "plan_changes"
    __table_args__ = (CheckConstraint(f"state IN {CHANGE_STATES!r}", name="state"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    plan_id: Mapped[str] = mapped_column(ForeignKey("plans.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    what: Mapped[str] = mapped_column(Text)
    from_day: Mapped[date]
    to_day: Mapped[date]
    base_version: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), default="open")
    accepted_proposal_id: Mapped[str | None] = mapped_column(Id)
    idempotency_key: Mapped[str | None] = mapped_column(String(100))
    created_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]

    plan: Mapped[Plan] = relationship(lazy="joined", innerjoin=True)
    proposals: Mapped[list["Proposal"]] = relationship(
        lazy="selectin", order_by="Proposal.position", cascade="all, delete-orphan"
    )


class Proposal(Base):
    """One way to answer a change: the diff of dated lessons (JSON), and once applied what undoes it (JSON)."""

    __tablename__ = "plan_proposals"
    __table_args__ = (CheckConstraint(f"kind IN {PROPOSAL_KINDS!r}", name="kind"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    change_id: Mapped[str] = mapped_column(ForeignKey("plan_changes.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    kind: Mapped[str] = mapped_column(String(20))
    diff: Mapped[str] = mapped_column(Text)
    undo: Mapped[str | None] = mapped_column(Text)


class CalendarFeed(Base):
    """A person's subscription to a calendar; the token is known to the calendar program only, here is its SHA-256."""

    __tablename__ = "calendar_feeds"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    target_id: Mapped[str] = mapped_column(Id)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
