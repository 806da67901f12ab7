"""Which programs a database still serves while replicas are upgraded one after the other.

A migration that only adds (`phase = "expand"`) leaves programs alone that do not know it; one that takes something away
(`phase = "contract"`) ends the service for all that are older. The database itself remembers where that line is.
"""

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, String, delete, insert, inspect, select
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.base import Base

FIRST = "0016"
"""From here on every migration says its phase, and programs look at what the database says."""


class SchemaSupport(Base):
    """One row: the migration a program must know to be served."""

    __tablename__ = "schema_support"

    oldest: Mapped[str] = mapped_column(String(32), primary_key=True)


def serves_though_newer(connection: Connection, configuration: Config) -> bool:
    """Whether the database is ahead of this program's migrations and yet serves it."""
    known = {script.revision for script in ScriptDirectory.from_config(configuration).walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision()
    if current is None or current in known or not inspect(connection).has_table(SchemaSupport.__tablename__):
        return False
    return connection.scalar(select(SchemaSupport.oldest)) in known


def note_support(connection: Connection, configuration: Config) -> None:
    """Remember from which migration on programs are served by the schema as it is now."""
    scripts = ScriptDirectory.from_config(configuration).walk_revisions()  # from the newest on
    oldest = next((one.revision for one in scripts if getattr(one.module, "phase", None) == "contract"), FIRST)
    if connection.scalar(select(SchemaSupport.oldest)) != oldest:
        connection.execute(delete(SchemaSupport))
        connection.execute(insert(SchemaSupport).values(oldest=oldest))
