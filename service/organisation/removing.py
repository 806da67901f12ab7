"""Taking away what nobody uses: terms without plans, organisations in which there is nothing."""

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service.organisation.tables import Organisation, Period, Term
from service.organisation.tree import ancestor_ids
from service.problems import Conflict, NotFound


def find_term_in_subtree(session: Session, path: str, term_id: str) -> Term:
    """A term set for a node at or below `path`. Raises NotFound for any other."""
    term = session.get(Term, term_id)
    node = session.get(Organisation, term.organisation_id) if term is not None else None
    if term is None or node is None or not node.path.startswith(path):
        raise NotFound("There is no such term here.")
    return term


def remove_term(session: Session, term: Term) -> None:
    """Delete a term. Raises Conflict `in_use` when a plan was made for it."""
    _delete(session, term, "Plans were made for this term; it stays.")


def remove_organisation(session: Session, node: Organisation) -> None:
    """Delete an organisation with its bells. Raises Conflict `in_use` while anything belongs to it or names it."""
    if len(ancestor_ids(node.path)) == 1:
        raise Conflict("The topmost organisation stays.", code="in_use")
    below = select(Organisation.id).where(Organisation.parent_id == node.id).limit(1)
    if session.scalar(below) is not None:
        raise Conflict("There are organisations below it; take those away first.", code="in_use")
    trial = session.begin_nested()
    try:
        session.execute(delete(Period).where(Period.organisation_id == node.id))
        session.delete(node)
        session.flush()
    except IntegrityError:
        trial.rollback()
        raise Conflict("People, rooms, classes or lessons belong to it; it stays.", code="in_use") from None
    trial.commit()


def _delete(session: Session, row: object, message: str) -> None:
    trial = session.begin_nested()
    try:
        session.delete(row)
        session.flush()
    except IntegrityError:
        trial.rollback()
        raise Conflict(message, code="in_use") from None
    trial.commit()
