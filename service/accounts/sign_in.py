"""Signing in: the attempt is counted, the password verified in constant time, a session opened."""

from datetime import timedelta

from sqlalchemy import select

from service.accounts.principal import Person
from service.accounts.sessions import close_session, open_session
from service.accounts.tables import User
from service.accounts.usernames import username_key
from service.parts import Parts
from service.problems import Problem
from service.security.passwords import hash_password, needs_rehash, verify_password
from service.security.rate_limits import SIGN_IN_ACCOUNT, SIGN_IN_ACCOUNT_ANYWHERE, SIGN_IN_ADDRESS


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
    parts.rate_limits.check(SIGN_IN_ADDRESS, address)
    parts.rate_limits.check(SIGN_IN_ACCOUNT_ANYWHERE, key)
    parts.rate_limits.check(SIGN_IN_ACCOUNT, f"{key} {address}")
    with parts.database.reading() as session:
        user = session.scalar(select(User).where(User.username_key == key))
    if not verify_password(password, user.password_hash if user else None) or user is None or user.disabled:
        raise BadCredentials
    parts.rate_limits.forget(SIGN_IN_ACCOUNT, f"{key} {address}")
    new_hash = hash_password(password) if needs_rehash(user.password_hash) else None
    with parts.database.unit_of_work() as session:
        if replaced is not None:
            close_session(session, replaced.session_id)
        if new_hash is not None:
            session.get_one(User, user.id).password_hash = new_hash
        lifetime = timedelta(days=parts.configuration.session_days)
        token = open_session(session, user.id, parts.clock.now(), lifetime)
    return token, user
