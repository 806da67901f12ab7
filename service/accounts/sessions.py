"""Server-side sessions of signed-in people: opened by a password, found by a cookie's token, closed for good."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.accounts.tables import User, UserSession
from service.security.tokens import derive_token, hash_token, new_token
from service.storage.many import one_of

SEEN_EVERY = timedelta(minutes=5)
"""How stale `last_seen_at` may grow, so that reading pages does not write to the database each time."""


def open_session(session: Session, user_id: str, now: datetime, lifetime: timedelta) -> str:
    """A new session; returns its token, which is told to the browser and kept nowhere else."""
    session.execute(delete(UserSession).where(UserSession.expires_at < now))
    token = new_token()
    session.add(
        UserSession(
            token_hash=hash_token(token), user_id=user_id, created_at=now, last_seen_at=now, expires_at=now + lifetime
        )
    )
    session.flush()
    return token


def find_person(session: Session, token: str, now: datetime, idle: timedelta) -> tuple[Person, bool] | None:
    """The person signed in with this token, and whether `last_seen_at` should be renewed; None if nobody is."""
    row = session.scalar(select(UserSession).where(UserSession.token_hash == hash_token(token)))
    if row is None or row.expires_at <= now or row.last_seen_at + idle <= now or row.user.disabled:
        return None
    return person_of(row.user, row.id, token), row.last_seen_at + SEEN_EVERY < now


def person_of(user: User, session_id: str, token: str) -> Person:
    """The person as plain values."""
    return Person(
        user_id=user.id,
        username=user.username,
        display_name=user.display_name,
        role=user.typed_role,
        organisation_id=user.organisation_id,
        organisation_path=user.organisation.path,
        organisation_kind=user.organisation.kind,
        locale=user.locale,
        session_id=session_id,
        csrf_token=csrf_token_of(token),
        must_change_password=user.one_time_password,
    )


def csrf_token_of(token: str) -> str:
    """The CSRF token of a session: derived from the session's token, so only who was told either knows it."""
    return derive_token(token, "csrf")


def living_sessions(
    session: Session, session_ids: Collection[str], now: datetime, idle: timedelta
) -> dict[str, datetime]:
    """Of many sessions those that are still good, each with when it was last seen."""
    found = session.execute(
        select(UserSession.id, UserSession.last_seen_at)
        .join(User, User.id == UserSession.user_id)
        .where(
            one_of(session, cast(ColumnElement[str], UserSession.id), session_ids),
            UserSession.expires_at > now,
            UserSession.last_seen_at > now - idle,
            User.disabled.is_(False),
        )
    )
    return {row.id: row.last_seen_at for row in found}


def renew_session(session: Session, session_id: str, now: datetime) -> None:
    """Note that the session was used."""
    renew_sessions(session, [session_id], now)


def renew_sessions(session: Session, session_ids: Collection[str], now: datetime) -> None:
    """Note that the sessions were used."""
    chosen = one_of(session, cast(ColumnElement[str], UserSession.id), session_ids)
    session.execute(
        update(UserSession).where(chosen).values(last_seen_at=now), execution_options={"synchronize_session": False}
    )


def close_session(session: Session, session_id: str) -> None:
    """Sign out."""
    session.execute(delete(UserSession).where(UserSession.id == session_id))


def close_sessions_of(session: Session, user_id: str, *, but: str | None = None) -> None:
    """Sign a person out everywhere, except in the session `but`."""
    statement = delete(UserSession).where(UserSession.user_id == user_id)
    session.execute(statement if but is None else statement.where(UserSession.id != but))
