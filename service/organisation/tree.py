"""The organisation tree: adding nodes and finding what lies in a subtree."""

from datetime import datetime

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from service.organisation.tables import KINDS, Organisation
from service.problems import InvalidRequest
from service.storage.base import new_id


def add_organisation(
    session: Session, parent: Organisation | None, name: str, kind: str, now: datetime
) -> Organisation:
    """A new node below `parent` (the root if None). Raises InvalidRequest if its kind cannot stand there."""
    if parent is not None and KINDS.index(kind) <= KINDS.index(parent.kind):
        raise InvalidRequest.of_field("kind", f"a {kind} cannot stand below a {parent.kind}", code="kind_misplaced")
    identity = new_id()
    node = Organisation(
        id=identity,
        parent_id=parent.id if parent else None,
        name=name,
        kind=kind,
        path=f"{parent.path if parent else '/'}{identity}/",
        created_at=now,
    )
    session.add(node)
    session.flush()
    return node


def in_subtree(path: str) -> ColumnElement[bool]:
    """The condition that an Organisation lies at or below `path`. Paths hold no LIKE wildcards."""
    return Organisation.path.startswith(path)


def ancestor_ids(path: str) -> list[str]:
    """Ids from the root down to the node itself."""
    return [part for part in path.split("/") if part]
