"""Terms: set for an organisation, in force for everything below it."""

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from service.organisation.tables import Organisation, Term
from service.organisation.tree import ancestor_ids, in_subtree
from service.problems import Conflict, InvalidRequest

LONGEST = timedelta(days=366)


def terms_for(session: Session, path: str) -> Sequence[Term]:
    """Terms of the node at `path`, of those above it and of those below, the latest first."""
    above = Term.organisation_id.in_(ancestor_ids(path))
    statement = select(Term).join(Organisation, Term.organisation_id == Organisation.id)
    return session.scalars(statement.where(or_(above, in_subtree(path))).order_by(Term.starts_on.desc())).all()


def term_on(session: Session, path: str, on: date) -> Term | None:
    """The term that holds at the node at `path` on a date; of several the one set nearest to the node."""
    ids = ancestor_ids(path)
    terms = session.scalars(select(Term).where(Term.organisation_id.in_(ids), Term.starts_on <= on, Term.ends_on >= on))
    return max(terms, key=lambda term: ids.index(term.organisation_id), default=None)


def add_term(session: Session, organisation: Organisation, name: str, starts_on: date, ends_on: date) -> Term:
    """A new term. Raises InvalidRequest for impossible days, Conflict for a name or days that are taken."""
    if not starts_on < ends_on or ends_on - starts_on > LONGEST:
        raise InvalidRequest.of_field("ends_on", "a term ends after it starts and lasts a year at most")
    for term in session.scalars(select(Term).where(Term.organisation_id == organisation.id)):
        if term.name == name or (term.starts_on <= ends_on and starts_on <= term.ends_on):
            raise Conflict(f"This clashes with the term {term.name}.", code="term_clash")
    term = Term(organisation_id=organisation.id, name=name, starts_on=starts_on, ends_on=ends_on)
    session.add(term)
    session.flush()
    return term
