"""The whole schema: knows where every feature keeps its tables and brings a database up to it."""

import logging
from importlib import import_module

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.exc import SQLAlchemyError

from service.storage.base import Base
from service.storage.database import Database
from service.storage.support import note_support, serves_though_newer

log = logging.getLogger(__name__)

TABLE_MODULES = (
    "service.storage.support",
    "service.organisation.tables",
    "service.accounts.tables",
    "service.rooms.tables",
    "service.lessons.tables",
    "service.lessons.claim_guards",
    "service.usage.tables",
    "service.live.tables",
    "service.connections.tables",
    "service.recordings.tables",
    "service.recordings.privacy_tables",
    "service.recordings.making_tables",
    "service.planning.tables",
    "service.planning.plan_tables",
    "service.exchange.tables",
    "service.notices.tables",
    "service.events.tables",
    "service.lessons.series_tables",
    "service.reviews.comparison_tables",
    "service.reviews.tables",
    "service.reviews.sample_tables",
    "service.replay.tables",
    "service.audit.tables",
)
"""Modules that declare tables; a feature with tables adds its own here."""


MIGRATION_LOCK = 0x3C1A55
"""The advisory lock that replicas started together take one after the other; any number nobody else uses."""


class SchemaError(Exception):
    """The database cannot be used. Remedy: another database, or the program that made it."""


def whole_metadata() -> MetaData:
    """All tables of all features."""
    for module in TABLE_MODULES:
        import_module(module)
    return Base.metadata


def prepare_schema(database: Database) -> None:
    """Bring `database` to the present schema by its migrations; harmless when it is there already.

    Several processes at once: the others wait for the first. Raises SchemaError for a database that is not
    ours, or is newer than this program and does not serve it any more.
    """
    try:
        with database.engine.execution_options(writes=True).begin() as connection:
            if connection.dialect.name == "postgresql":
                _expect_unicode(connection)
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            configuration = migration_configuration(connection)
            if serves_though_newer(connection, configuration):
                log.warning("the database is newer than this program and serves it: upgrade this program, too")
                return
            command.upgrade(configuration, "head")
            note_support(connection, configuration)
    except (SQLAlchemyError, CommandError) as error:
        raise SchemaError(f"the database cannot be brought up to date: {_first_line(error)}") from error


def _expect_unicode(connection: Connection) -> None:
    """In another encoding lengths are those of bytes, and Chinese names do not fit where they must."""
    encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise SchemaError(
            f"the database keeps its text as {encoding}: make another with "
            "CREATE DATABASE ... TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'"
        )


def migration_configuration(connection: Connection) -> Config:
    """What Alembic needs to know to work on `connection`."""
    configuration = Config()
    configuration.set_main_option("script_location", "service.storage:migrations")
    configuration.attributes["connection"] = connection
    return configuration


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
