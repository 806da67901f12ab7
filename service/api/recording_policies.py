"""Endpoints of what administrators decide and must know about recordings: policies, the trail of deletions, notices."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import func, select

from service.accounts.principal import Person
from service.api.dependencies import AdministratorDependency, PartsDependency
from service.api.forms import Limit, Offset, RequestBody
from service.lessons.tables import Lesson
from service.organisation.tables import Organisation
from service.organisation.tree import find_organisation_in_subtree
from service.parts import Parts
from service.recordings.notices import standing_notices
from service.recordings.policies import drop_policy, policy_for, set_policy
from service.recordings.privacy_tables import RecordingDeletion

router = APIRouter(tags=["recordings"])


class PolicyRequest(RequestBody):
    """Days recordings are kept after the lesson (without: for good), and whether a viewer's name moves over them."""

    retention_days: Annotated[int | None, Field(ge=1, le=36_500)] = None
    watermark: bool = False


class PolicyView(BaseModel):
    """What counts for an organisation, and which organisation decided it (none: nobody did)."""

    organisation_id: str
    retention_days: int | None
    watermark: bool
    decided_by: str | None
    decided_by_name: str | None
    changed_at: datetime | None


class DeletionView(BaseModel):
    """One deletion; `finished_at` is when the last file was gone."""

    lesson_id: str
    title: str
    lead_school: str
    lesson_at: datetime
    reason: str
    retention_days: int | None
    asked_by: str | None
    note: str
    began_at: datetime
    finished_at: datetime | None
    files: int
    bytes: int


class NoticeOfRecording(BaseModel):
    """Something wrong: `disk_space`, `recording_trouble`, `making_failed` or `journals_unreadable`."""

    kind: str
    subject: str
    lesson_id: str | None
    detail: str
    data: dict[str, Any]
    since: datetime
    last_at: datetime


class NoticeList(BaseModel):
    """All that stands, newest first."""

    items: list[NoticeOfRecording]
    total: int


class DeletionPage(BaseModel):
    """A page of the trail, latest first."""

    items: list[DeletionView]
    total: int


@router.get("/organisations/{organisation_id}/recording-policy")
def read_recording_policy(organisation_id: str, parts: PartsDependency, person: AdministratorDependency) -> PolicyView:
    """Give what counts for the recordings of an organisation's lead schools."""
    return _policy(parts, person, organisation_id)


@router.put("/organisations/{organisation_id}/recording-policy")
def decide_recording_policy(
    organisation_id: str, request: PolicyRequest, parts: PartsDependency, person: AdministratorDependency
) -> PolicyView:
    """Decide for an organisation and all below it that do not decide themselves."""
    with parts.database.unit_of_work() as session:
        organisation = find_organisation_in_subtree(session, person.organisation_path, organisation_id)
        set_policy(
            session,
            person,
            organisation,
            retention_days=request.retention_days,
            watermark=request.watermark,
            now=parts.clock.now(),
        )
    return _policy(parts, person, organisation_id)


@router.delete("/organisations/{organisation_id}/recording-policy")
def drop_recording_policy(organisation_id: str, parts: PartsDependency, person: AdministratorDependency) -> PolicyView:
    """Decide nothing any more: what an organisation above decided counts again."""
    with parts.database.unit_of_work() as session:
        organisation = find_organisation_in_subtree(session, person.organisation_path, organisation_id)
        drop_policy(session, person, organisation)
    return _policy(parts, person, organisation_id)


@router.get("/recordings/notices")
def read_recording_notices(parts: PartsDependency, person: AdministratorDependency) -> NoticeList:
    """Give what is wrong with recordings now: of lessons of your subtree, for system administrators of machines too."""
    with parts.database.reading() as session:
        found = standing_notices(session, person.organisation_path, deployment=person.role == "system_administrator")
        items = [
            NoticeOfRecording(
                kind=one.kind,
                subject=one.subject,
                lesson_id=one.lesson_id,
                detail=one.detail,
                data=one.data,
                since=one.first_at,
                last_at=one.last_at,
            )
            for one in found
        ]
    return NoticeList(items=items, total=len(items))


@router.get("/recordings/deletions")
def read_deletions(
    parts: PartsDependency, person: AdministratorDependency, limit: Limit = 50, offset: Offset = 0
) -> DeletionPage:
    """Give the trail of deleted recordings of the lead schools of your subtree."""
    below = Organisation.path.startswith(person.organisation_path)
    found = (
        select(RecordingDeletion, Lesson)
        .join(Lesson, Lesson.id == RecordingDeletion.lesson_id)
        .join(Organisation, Organisation.id == Lesson.lead_school_id)
        .where(below)
    )
    with parts.database.reading() as session:
        counted = found.with_only_columns(RecordingDeletion.id, maintain_column_froms=True).subquery()
        total = session.scalar(select(func.count()).select_from(counted)) or 0
        page = found.order_by(RecordingDeletion.began_at.desc(), RecordingDeletion.id).limit(limit).offset(offset)
        return DeletionPage(items=[_deletion(trail, lesson) for trail, lesson in session.execute(page)], total=total)


def _deletion(trail: RecordingDeletion, lesson: Lesson) -> DeletionView:
    return DeletionView(
        lesson_id=lesson.id,
        title=lesson.title,
        lead_school=lesson.lead_school.name,
        lesson_at=lesson.starts_at,
        reason=trail.reason,
        retention_days=trail.retention_days,
        asked_by=trail.asked_by,
        note=trail.note,
        began_at=trail.began_at,
        finished_at=trail.finished_at,
        files=trail.files,
        bytes=trail.size_bytes,
    )


def _policy(parts: Parts, person: Person, organisation_id: str) -> PolicyView:
    with parts.database.reading() as session:
        organisation = find_organisation_in_subtree(session, person.organisation_path, organisation_id)
        policy = policy_for(session, organisation.path)
        if policy is None:
            return PolicyView(
                organisation_id=organisation_id,
                retention_days=None,
                watermark=False,
                decided_by=None,
                decided_by_name=None,
                changed_at=None,
            )
        decider = session.get_one(Organisation, policy.organisation_id)
        return PolicyView(
            organisation_id=organisation_id,
            retention_days=policy.retention_days,
            watermark=policy.watermark,
            decided_by=decider.id,
            decided_by_name=decider.name,
            changed_at=policy.changed_at,
        )
