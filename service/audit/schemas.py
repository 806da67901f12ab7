"""The audit log as administrators read it."""

from datetime import datetime

from pydantic import BaseModel

from service.accounts.roles import Role


class AuditEntry(BaseModel):
    """Who did what, and when.

    `operation` is an operation's id in this API; `about` has the ids of what its address named and of what came of it.
    """

    id: int
    at: datetime
    user_id: str | None
    person: str | None
    role: Role | None
    """Nobody's: somebody tried to sign in to an account that does not exist."""
    operation: str
    about: dict[str, str]
    subject: str | None
    """Present name of what the act was about, where it still exists and has one."""
    client: str


class AuditEntries(BaseModel):
    """A page of the log, newest first."""

    items: list[AuditEntry]
    total: int
