"""The organisation tree: adding nodes and finding what lies in a subtree."""

from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from service.organisation.tables import KINDS, Organisation
from service.problems import Conflict, InvalidRequest, NotFound
from service.storage.base import new_id


def add_organisation(
    session: Session, parent: Organisation | None, name: str, kind: str, now: datetime
) -> Organisation:
    """A new node below `parent` (the root if None). Raises InvalidRequest for its kind, Conflict for its name."""
    if parent is not None and KINDS.index(kind) <= KINDS.index(parent.kind):
        raise InvalidRequest.of_field("kind", f"a {kind} cannot stand below a {parent.kind}", code="kind_misplaced")
    _require_free_name(session, parent.id if parent else None, name)
    node = new_organisation(parent, name, kind, now)
    session.add(node)
    session.flush()
    return node


def new_organisation(parent: Organisation | None, name: str, kind: str, now: datetime) -> Organisation:
    """A node with its path, not yet in any session; the caller has made sure that it fits below `parent`."""
    identity = new_id()
    return Organisation(
        id=identity,
        parent_id=parent.id if parent else None,
        name=name,
        kind=kind,
        path=f"{parent.path if parent else '/'}{identity}/",
        is_root=True if parent is None else None,
        created_at=now,
    )


def in_subtree(path: str) -> ColumnElement[bool]:
    """The condition that an Organisation lies at or below `path`. Paths hold no LIKE wildcards."""
    return Organisation.path.startswith(path)


def ancestor_ids(path: str) -> list[str]:
    """Ids from the root down to the node itself."""
    return [part for part in path.split("/") if part]


def whole_tree() -> str:
    """The path every organisation lies below."""
    return "/"


def find_organisation(session: Session, organisation_id: str) -> Organisation:
    """Any organisation of the deployment. Raises NotFound."""
    node = session.get(Organisation, organisation_id)
    if node is None:
        raise NotFound("There is no such organisation here.")
    return node


def find_organisation_in_subtree(session: Session, path: str, organisation_id: str) -> Organisation:
    """An organisation at or below `path`. Raises NotFound for any other, as if it did not exist."""
    node = find_organisation(session, organisation_id)
    if not node.path.startswith(path):
        raise NotFound("There is no such organisation here.")
    return node


def rename_organisation(session: Session, node: Organisation, name: str) -> None:
    """Give a node another name. Raises Conflict if a sibling has it."""
    if name != node.name:
        _require_free_name(session, node.parent_id, name)
        node.name = name
        session.flush()


def _require_free_name(session: Session, parent_id: str | None, name: str) -> None:
    taken = select(Organisation.id).where(Organisation.parent_id == parent_id, Organisation.name == name)
    if session.scalar(taken) is not None:
        raise Conflict("There is an organisation of this name already.", code="name_taken")
