"""The audit log's table, append-only by triggers like the usage log's."""

from datetime import datetime

from sqlalchemy import DDL, JSON, BigInteger, Index, Integer, String, event
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.base import Base, Id


class AuditRow(Base):
    """One act of one person. Names are those of the time of the act; no value that was set is kept."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_organisation_path_id", "organisation_path", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(index=True)
    user_id: Mapped[str] = mapped_column(Id, index=True)
    person: Mapped[str] = mapped_column(String(120))
    role: Mapped[str] = mapped_column(String(30))
    organisation_path: Mapped[str] = mapped_column(String(200))
    operation: Mapped[str] = mapped_column(String(60))
    about: Mapped[dict[str, str]] = mapped_column(JSON)
    """What the address named: the parameters of its path."""
    client: Mapped[str] = mapped_column(String(60))
    """IP address the request came from."""


_REFUSAL = "the audit log is append-only"

SQLITE_GUARDS = tuple(
    f"CREATE TRIGGER IF NOT EXISTS audit_log_refuses_{verb.lower()} BEFORE {verb} ON audit_log "
    f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    for verb in ("UPDATE", "DELETE")
)
POSTGRESQL_GUARDS = (
    "CREATE OR REPLACE FUNCTION refuse_change_of_audit_log() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$",
    "CREATE OR REPLACE TRIGGER audit_log_refuses_change BEFORE UPDATE OR DELETE ON audit_log "
    "FOR EACH ROW EXECUTE FUNCTION refuse_change_of_audit_log()",
    "CREATE OR REPLACE TRIGGER audit_log_refuses_truncate BEFORE TRUNCATE ON audit_log "
    "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit_log()",
)

for _dialect, _guards in (("sqlite", SQLITE_GUARDS), ("postgresql", POSTGRESQL_GUARDS)):
    for _guard in _guards:
        event.listen(AuditRow.__table__, "after_create", DDL(_guard).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
