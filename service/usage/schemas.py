"""The usage report as the API gives it: one item for each party of each lesson, totals over all that match."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from media.contract import LessonKind, PartyRole


class UsageItem(BaseModel):
    """One party's attendance of one lesson; minutes with two decimals."""

    lesson_id: str
    title: str
    kind: LessonKind
    subject: str
    starts_at: datetime
    county: str
    school: str
    room_or_person: str
    party_role: PartyRole
    joined_at: datetime | None
    left_at: datetime | None
    connected_minutes: float
    lead_picture_minutes: float
    lead_sound_minutes: float
    published_minutes: float
    joins: int


class UsageTotals(BaseModel):
    """Sums over everything the filter matches, not only the page shown."""

    lessons: int
    parties: int
    joins: int
    connected_minutes: float
    lead_picture_minutes: float
    lead_sound_minutes: float
    published_minutes: float


class UsageReport(BaseModel):
    """A page of the report."""

    items: list[UsageItem]
    total: int
    totals: UsageTotals


class UsageEvent(BaseModel):
    """One row of the append-only log as it was written."""

    id: int
    at: datetime
    type: str
    lesson_id: str | None
    party_id: str | None
    connection_id: str | None
    user_id: str | None
    data: dict[str, Any]


class UsageEvents(BaseModel):
    """A page of the log, oldest first."""

    items: list[UsageEvent]
    total: int


Locale = Literal["zh-CN", "en"]
