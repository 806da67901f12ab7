"""Endpoints of the inbox: what one is told, and that one has read it."""

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from service.api.dependencies import PartsDependency, PersonDependency
from service.api.forms import Identity, Limit, Offset, RequestBody
from service.notices.inbox import list_notices, mark_read

router = APIRouter(tags=["notices"])


class NoticeView(BaseModel):
    """Something one is told: `kind` names the sentence, `data` what stands in it."""

    id: str
    kind: str
    data: dict[str, Any]
    lesson_id: str | None
    event_id: str | None
    for_school: bool
    unread: bool
    created_at: datetime


class NoticePage(BaseModel):
    """A page of notices, the latest first."""

    items: list[NoticeView]
    total: int
    unread: int


class ReadNotices(RequestBody):
    """Which notices were read; without `ids` all."""

    ids: Annotated[list[Identity], Field(max_length=200)] | None = None


class MarkedRead(BaseModel):
    """How many notices were unread before."""

    marked: int


@router.get("/notices")
def read_notices(
    parts: PartsDependency,
    person: PersonDependency,
    unread: Annotated[bool, Query(description="Only those not read yet.")] = False,
    limit: Limit = 50,
    offset: Offset = 0,
) -> NoticePage:
    """List one's inbox; administrators of a school find what the school is told."""
    with parts.database.reading() as session:
        rows, total, all_unread = list_notices(session, person, unread_only=unread, limit=limit, offset=offset)
        items = [
            NoticeView(
                id=notice.id,
                kind=notice.kind,
                data=json.loads(notice.data),
                lesson_id=notice.lesson_id,
                event_id=notice.event_id,
                for_school=notice.school_id is not None,
                unread=is_unread,
                created_at=notice.created_at,
            )
            for notice, is_unread in rows
        ]
        return NoticePage(items=items, total=total, unread=all_unread)


@router.post("/notices/read")
def read_them(body: ReadNotices, parts: PartsDependency, person: PersonDependency) -> MarkedRead:
    """Mark notices as read."""
    with parts.database.unit_of_work() as session:
        return MarkedRead(marked=mark_read(session, person, body.ids, parts.clock.now()))
