"""How long recordings are kept and whether a viewer's name moves over them: decided by the nearest organisation."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.organisation.tables import Organisation
from service.organisation.tree import ancestor_ids
from service.problems import NotAllowed
from service.recordings.privacy_tables import RecordingPolicy


def policy_for(session: Session, organisation_path: str) -> RecordingPolicy | None:
    """The policy of the organisation itself or of the nearest one above it; None if nobody decided anything."""
    line = ancestor_ids(organisation_path)
    found = {
        policy.organisation_id: policy
        for policy in session.scalars(select(RecordingPolicy).where(RecordingPolicy.organisation_id.in_(line)))
    }
    return next((found[identity] for identity in reversed(line) if identity in found), None)


def set_policy(
    session: Session,
    person: Person,
    organisation: Organisation,
    *,
    retention_days: int | None,
    watermark: bool,
    now: datetime,
) -> RecordingPolicy:
    """Decide for the organisation and those below it that do not decide themselves. Raises NotAllowed."""
    _require_administrator(person, organisation)
    policy = session.get(RecordingPolicy, organisation.id)
    if policy is None:
        policy = RecordingPolicy(organisation_id=organisation.id)
        session.add(policy)
    policy.retention_days, policy.watermark = retention_days, watermark
    policy.changed_by, policy.changed_at = person.user_id, now
    return policy


def drop_policy(session: Session, person: Person, organisation: Organisation) -> None:
    """Decide nothing any more: what is decided above counts again. Raises NotAllowed."""
    _require_administrator(person, organisation)
    policy = session.get(RecordingPolicy, organisation.id)
    if policy is not None:
        session.delete(policy)


def _require_administrator(person: Person, organisation: Organisation) -> None:
    if not (person.is_administrator and person.may_see(organisation.path)):
        raise NotAllowed("Only administrators decide how recordings are kept.")
