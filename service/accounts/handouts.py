"""Passwords handed out on paper: made for people without one, shown once, good only for choosing another."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.accounts.people import set_password
from service.accounts.principal import Person
from service.accounts.roles import Role, may_manage
from service.accounts.tables import User
from service.organisation.tables import Organisation
from service.organisation.tree import in_subtree
from service.security.passwords import hash_password
from service.storage.database import Database

AT_ONCE = 20
"""Each password costs a tenth of a second and 64 MiB for a moment; a page asks again for the next ones."""
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
"""Nothing that is mistaken for something else on paper: no 0, 1, i, l, o."""


@dataclass(frozen=True)
class Handout:
    """One line of the sheet."""

    user_id: str
    username: str
    display_name: str
    school: str
    password: str


def hand_out(
    database: Database, person: Person, path: str, only: Sequence[str] | None = None
) -> tuple[list[Handout], int]:
    """Give the next people below `path` without a password a one-time one, and say how many are left.

    With `only`, these people instead, as far as they have none or never used the one they were given.
    """
    with database.reading() as session:
        waiting, total = _waiting(session, person, path, only)
        chosen = [(user.id, user.username, user.display_name, user.organisation.name) for user in waiting]
    made = [Handout(*one, new_password()) for one in chosen]
    hashes = {one.user_id: hash_password(one.password) for one in made}
    done: list[Handout] = []
    with database.unit_of_work() as session:
        for one in made:
            user = session.get(User, one.user_id, with_for_update=True)
            # Somebody may have set a password, moved or disabled the account in these seconds.
            if user is None or not _waits(user, only) or not person.may_see(user.organisation.path):
                continue
            set_password(session, user, hashes[one.user_id])
            user.one_time_password = True
            done.append(one)
    return done, max(0, total - len(made))


def new_password() -> str:
    """Three groups of three characters: about 44 bits, and easily copied from paper."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(3)) for _ in range(3))


def _waiting(session: Session, person: Person, path: str, only: Sequence[str] | None) -> tuple[list[User], int]:
    roles = [role for role in Role if may_manage(person.role, role)]
    lacks = User.password_hash == ""
    statement = (
        select(User)
        .join(Organisation, User.organisation_id == Organisation.id)
        .where(in_subtree(path), User.disabled.is_(False), User.role.in_(roles), User.id != person.user_id)
        .where(lacks if only is None else User.id.in_(only) & (lacks | User.one_time_password))
    )
    total = session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    page = statement.order_by(Organisation.path, User.display_name, User.id).limit(AT_ONCE)
    return list(session.scalars(page)), total


def _waits(user: User, only: Sequence[str] | None) -> bool:
    return not user.disabled and (user.password_hash == "" or (only is not None and user.one_time_password))
