"""Signing in and out, and one's own account."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Response, status
from pydantic import BaseModel, Field, SecretStr
from starlette.requests import Request

from service.accounts.people import set_password
from service.accounts.roles import PERMISSIONS
from service.accounts.sessions import close_session, csrf_token_of
from service.accounts.sign_in import sign_in
from service.accounts.tables import User
from service.api.answers import UserAnswer
from service.api.dependencies import PartsDependency, PersonDependency, client_address, find_signed_in_person
from service.api.forms import RequestBody, Text60
from service.configuration import Locale
from service.problems import InvalidRequest
from service.security.cookies import SESSION_COOKIE, clear_cookie, set_cookie
from service.security.passwords import LONGEST, SHORTEST, hash_password, verify_password
from service.security.rate_limits import PASSWORD_CHANGE

router = APIRouter(tags=["session"])

NewPassword = Annotated[SecretStr, Field(min_length=SHORTEST, max_length=LONGEST)]
GivenPassword = Annotated[SecretStr, Field(min_length=1, max_length=LONGEST)]


class Credentials(RequestBody):
    """What a person signs in with."""

    username: Annotated[str, Field(min_length=1, max_length=128)]
    password: GivenPassword


class SessionAnswer(BaseModel):
    """Who is signed in; `csrf_token` goes into the X-CSRF-Token header of every unsafe request."""

    user: UserAnswer
    csrf_token: str
    permissions: list[str]
    must_change_password: bool = Field(description="Until then nothing but a new password is accepted.")


@router.post("/session")
def open_session(body: Credentials, request: Request, response: Response, parts: PartsDependency) -> SessionAnswer:
    """Sign in."""
    replaced = find_signed_in_person(request, parts)
    token, user = sign_in(parts, body.username, body.password.get_secret_value(), client_address(request), replaced)
    lifetime = timedelta(days=parts.configuration.session_days)
    set_cookie(request, response, SESSION_COOKIE, token, int(lifetime.total_seconds()))
    return _session_answer(user, csrf_token_of(token))


@router.get("/session")
def read_session(person: PersonDependency, parts: PartsDependency) -> SessionAnswer:
    """Who is signed in."""
    with parts.database.reading() as session:
        return _session_answer(session.get_one(User, person.user_id), person.csrf_token)


@router.delete("/session", status_code=status.HTTP_204_NO_CONTENT)
def end_session(request: Request, response: Response, person: PersonDependency, parts: PartsDependency) -> None:
    """Sign out."""
    with parts.database.unit_of_work() as session:
        close_session(session, person.session_id)
    clear_cookie(request, response, SESSION_COOKIE)


class AccountChange(RequestBody):
    """What people change of their own account."""

    display_name: Text60 | None = None
    locale: Locale | None = None


@router.patch("/account")
def change_account(body: AccountChange, person: PersonDependency, parts: PartsDependency) -> UserAnswer:
    """Change one's own name or language."""
    with parts.database.unit_of_work() as session:
        user = session.get_one(User, person.user_id)
        user.display_name = body.display_name or user.display_name
        user.locale = body.locale or user.locale
    return UserAnswer.of(user)


class PasswordChange(RequestBody):
    """The password until now and the new one."""

    current: GivenPassword
    new: NewPassword


@router.post("/account/password", status_code=status.HTTP_204_NO_CONTENT)
def change_password(body: PasswordChange, person: PersonDependency, parts: PartsDependency) -> None:
    """Change one's own password; every other browser is signed out."""
    parts.rate_limits.check(PASSWORD_CHANGE, person.user_id)
    with parts.database.reading() as session:
        current_hash = session.get_one(User, person.user_id).password_hash
    if not verify_password(body.current.get_secret_value(), current_hash):
        raise InvalidRequest.of_field("current", "this is not your password", code="wrong_password")
    new_hash = hash_password(body.new.get_secret_value())
    with parts.database.unit_of_work() as session:
        set_password(session, session.get_one(User, person.user_id), new_hash, keep_session=person.session_id)


def _session_answer(user: User, csrf_token: str) -> SessionAnswer:
    return SessionAnswer(
        user=UserAnswer.of(user),
        csrf_token=csrf_token,
        permissions=sorted(PERMISSIONS[user.typed_role]),
        must_change_password=user.one_time_password,
    )
