"""The audit log: for administrators, over their part of the organisation."""

from typing import Annotated

from fastapi import APIRouter, Query

from service.api.dependencies import AdministratorDependency, PartsDependency
from service.api.forms import Identity, Limit, Offset
from service.api.time_parameters import From, To, interval_of
from service.audit.reading import AuditFilter, list_acts
from service.audit.schemas import AuditEntries

router = APIRouter(tags=["audit"])


@router.get("/audit")
def read_audit_log(
    parts: PartsDependency,
    person: AdministratorDependency,
    starts: From = None,
    ends: To = None,
    user_id: Annotated[Identity | None, Query()] = None,
    operation: Annotated[str | None, Query(max_length=60, description="An operation's id in this document.")] = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> AuditEntries:
    """Give what people of your part of the organisation changed, newest first."""
    first, last = interval_of(starts, ends, parts.configuration.zone)
    wanted = AuditFilter(first, last, user_id, operation)
    with parts.database.reading() as session:
        return list_acts(session, person, wanted, limit, offset)
