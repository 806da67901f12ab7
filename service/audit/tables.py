"""The audit log's table, append-only like the usage log."""

from datetime import datetime
from typing import cast

from sqlalchemy import JSON, BigInteger, Index, Integer, String, Table
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.append_only import keep_append_only
from service.storage.base import Base, Id


class AuditRow(Base):
    """One act of one person. Names are those of the time of the act; no value that was set is kept.

    An attempt to sign in to an account that does not exist has an empty person: what was typed as its name is not kept,
    for people type passwords there.
    """

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_organisation_path_id", "organisation_path", "id"),
        Index("ix_audit_log_at_organisation_path", "at", "organisation_path"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    at: Mapped[datetime]
    user_id: Mapped[str] = mapped_column(Id, index=True)
    person: Mapped[str] = mapped_column(String(120))
    role: Mapped[str] = mapped_column(String(30))
    organisation_path: Mapped[str] = mapped_column(String(200))
    operation: Mapped[str] = mapped_column(String(60))
    about: Mapped[dict[str, str]] = mapped_column(JSON)
    """What the address named (the parameters of its path), and what the act brought into being."""
    client: Mapped[str] = mapped_column(String(60))
    """IP address the request came from."""


keep_append_only(cast(Table, AuditRow.__table__), "the audit log is append-only")
