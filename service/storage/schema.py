"""The whole schema: knows where every feature keeps its tables and brings a database up to it."""

from importlib import import_module

from sqlalchemy import MetaData

from service.storage.base import Base
from service.storage.database import Database

TABLE_MODULES = (
    "service.organisation.tables",
    "service.accounts.tables",
    "service.rooms.tables",
    "service.lessons.tables",
    "service.usage.tables",
    "service.recordings.tables",
)
"""Modules that declare tables; a feature with tables adds its own here."""


def whole_metadata() -> MetaData:
    """All tables of all features."""
    for module in TABLE_MODULES:
        import_module(module)
    return Base.metadata


def prepare_schema(database: Database) -> None:
    """Bring `database` to the present schema; harmless when it is there already."""
    whole_metadata().create_all(database.engine)
