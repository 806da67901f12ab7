"""Signing in: the attempt is counted, the password verified in constant time, a session opened."""

from datetime import timedelta

from sqlalchemy import select

from service.accounts.principal import Person
from service.accounts.sessions import close_session, open_session, person_of
from service.accounts.tables import User
from service.accounts.usernames import username_key
from service.audit.acts import done_by, turned_away
from service.parts import Parts
from service.problems import Problem, TooManyAttempts
from service.security.passwords import hash_password, needs_rehash, verify_password
from service.security.rate_limits import (
    LOCK_OUT_NOTED,
    SIGN_IN_ACCOUNT,
    SIGN_IN_ACCOUNT_ANYWHERE,
    SIGN_IN_ADDRESS,
)


class BadCredentials(Problem):
    """No such account, a wrong password, or a disabled account: the caller is not told which."""

    status = 401
    code = "bad_credentials"

    def __init__(self) -> None:
        super().__init__("The username or the password is wrong.")


def sign_in(parts: Parts, username: str, password: str, address: str, replaced: Person | None) -> tuple[str, User]:
    """Open a session, in place of the one this browser had; returns its token and the user.

    Raises BadCredentials, and TooManyAttempts before a password is looked at.
    """
    key = username_key(username)
    _count(parts, key, address)
    user = _find(parts, key)
    if not verify_password(password, user.password_hash if user else None) or user is None or user.disabled:
        turned_away(_owner(user), "unknown" if user is None else "disabled" if user.disabled else "wrong_password")
        raise BadCredentials
    parts.rate_limits.forget(SIGN_IN_ACCOUNT, f"{key} {address}")
    new_hash = hash_password(password) if needs_rehash(user.password_hash) else None
    done_by(person_of(user, "", ""))
    with parts.database.unit_of_work() as session:
        if replaced is not None:
            close_session(session, replaced.session_id)
        if new_hash is not None:
            session.get_one(User, user.id).password_hash = new_hash
        lifetime = timedelta(days=parts.configuration.session_days)
        token = open_session(session, user.id, parts.clock.now(), lifetime)
    return token, user


def _count(parts: Parts, key: str, address: str) -> None:
    """Count the attempt. Raises TooManyAttempts; that a lock-out began is noted once."""
    limits = (
        (SIGN_IN_ADDRESS, address),
        (SIGN_IN_ACCOUNT_ANYWHERE, key),
        (SIGN_IN_ACCOUNT, f"{key} {address}"),
    )
    for limit, counted in limits:
        try:
            parts.rate_limits.check(limit, counted)
        except TooManyAttempts:
            if _is_first(parts, f"{limit.name} {counted}"):
                turned_away(_owner(_find(parts, key)), "locked_out")
            raise


def _is_first(parts: Parts, lock_out: str) -> bool:
    try:
        parts.rate_limits.check(LOCK_OUT_NOTED, lock_out)
    except TooManyAttempts:
        return False
    return True


def _find(parts: Parts, key: str) -> User | None:
    with parts.database.reading() as session:
        return session.scalar(select(User).where(User.username_key == key))


def _owner(user: User | None) -> Person | None:
    return None if user is None else person_of(user, "", "")
