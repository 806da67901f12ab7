"""Accounts as administrators keep them, and the look-up of teachers for bookings."""

from typing import Annotated

from fastapi import APIRouter, Query, status
from pydantic import BaseModel, Field

from service.accounts.handouts import hand_out
from service.accounts.people import (
    change_user,
    create_user,
    find_user_in_subtree,
    list_users,
    require_manageable,
    set_password,
)
from service.accounts.principal import Person
from service.accounts.roles import Role
from service.api.answers import OrganisationBrief, UserAnswer
from service.api.dependencies import AdministratorDependency, PartsDependency, PersonDependency
from service.api.forms import Identity, Limit, Offset, RequestBody, SearchText, Text60
from service.api.session import NewPassword
from service.audit.acts import made
from service.configuration import Locale
from service.organisation.tree import find_organisation, find_organisation_in_subtree, whole_tree
from service.parts import Parts
from service.problems import NotAllowed
from service.security.passwords import hash_password
from service.security.rate_limits import HANDING_OUT

router = APIRouter(tags=["users"])


class Users(BaseModel):
    """A page of accounts."""

    items: list[UserAnswer]
    total: int


@router.get("/users")
def list_accounts(
    person: AdministratorDependency,
    parts: PartsDependency,
    organisation_id: Identity | None = None,
    role: Role | None = None,
    q: SearchText = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Users:
    """Accounts of the administrator's subtree, or of an organisation within it."""
    with parts.database.reading() as session:
        path = person.organisation_path
        if organisation_id is not None:
            path = find_organisation_in_subtree(session, person.organisation_path, organisation_id).path
        roles = [role] if role else []
        users, total = list_users(session, path, roles=roles, search=q, limit=limit, offset=offset)
        return Users(items=[UserAnswer.of(user) for user in users], total=total)


class NewUser(RequestBody):
    """An account to create."""

    username: Annotated[str, Field(min_length=1, max_length=128)]
    password: NewPassword
    display_name: Text60
    role: Role
    organisation_id: Identity
    locale: Locale | None = None


@router.post("/users", status_code=status.HTTP_201_CREATED)
def create_account(body: NewUser, person: AdministratorDependency, parts: PartsDependency) -> UserAnswer:
    """Create an account in one's own subtree, with a role below one's own."""
    password_hash = hash_password(body.password.get_secret_value())
    with parts.database.unit_of_work() as session:
        organisation = find_organisation_in_subtree(session, person.organisation_path, body.organisation_id)
        user = create_user(
            session,
            username=body.username,
            password_hash=password_hash,
            display_name=body.display_name,
            role=body.role,
            organisation=organisation,
            locale=body.locale or parts.configuration.default_locale,
            now=parts.clock.now(),
            by=person,
        )
        made(user_id=user.id)
        return UserAnswer.of(user)


@router.get("/users/{user_id}")
def read_account(user_id: str, person: AdministratorDependency, parts: PartsDependency) -> UserAnswer:
    """One account."""
    with parts.database.reading() as session:
        return UserAnswer.of(find_user_in_subtree(session, person, user_id))


class UserChange(RequestBody):
    """What is left out stays."""

    display_name: Text60 | None = None
    role: Role | None = None
    organisation_id: Identity | None = None
    locale: Locale | None = None
    disabled: bool | None = None


@router.patch("/users/{user_id}")
def change_account_of(
    user_id: str, body: UserChange, person: AdministratorDependency, parts: PartsDependency
) -> UserAnswer:
    """Change an account of somebody who ranks below."""
    with parts.database.unit_of_work() as session:
        user = find_user_in_subtree(session, person, user_id)
        organisation = None
        if body.organisation_id is not None:
            organisation = find_organisation_in_subtree(session, person.organisation_path, body.organisation_id)
        change_user(
            session,
            user,
            person,
            display_name=body.display_name,
            role=body.role,
            organisation=organisation,
            locale=body.locale,
            disabled=body.disabled,
        )
        session.flush()
        return UserAnswer.of(user)


class PasswordReset(RequestBody):
    """The password to give out."""

    password: NewPassword


@router.post("/users/{user_id}/password", status_code=status.HTTP_204_NO_CONTENT)
def reset_password(user_id: str, body: PasswordReset, person: AdministratorDependency, parts: PartsDependency) -> None:
    """Give somebody who ranks below a new password; they are signed out everywhere."""
    _require_may_reset(parts, person, user_id)
    password_hash = hash_password(body.password.get_secret_value())
    with parts.database.unit_of_work() as session:
        user = find_user_in_subtree(session, person, user_id)
        require_manageable(person, user)
        set_password(session, user, password_hash)


def _require_may_reset(parts: Parts, person: Person, user_id: str) -> None:
    # Asked before the costly hash; asked again in the transaction that writes.
    with parts.database.reading() as session:
        require_manageable(person, find_user_in_subtree(session, person, user_id))


class HandoutRequest(RequestBody):
    """Whose sheet: everybody below an organisation without a password; or these people, who lost theirs unused."""

    organisation_id: Identity | None = None
    user_ids: Annotated[list[Identity], Field(min_length=1, max_length=20)] | None = None


class HandoutLine(BaseModel):
    """A person's one-time password; it is shown now and never again."""

    user_id: str
    username: str
    display_name: str
    school: str
    password: str


class HandoutSheet(BaseModel):
    """The next lines of the sheet, and how many people are left to ask for."""

    items: list[HandoutLine]
    left: int


@router.post("/users/passwords")
def hand_out_passwords(body: HandoutRequest, person: AdministratorDependency, parts: PartsDependency) -> HandoutSheet:
    """Give the next twenty people without a password a one-time one; ask again until nobody is left."""
    parts.rate_limits.check(HANDING_OUT, person.user_id)
    with parts.database.reading() as session:
        place = body.organisation_id or person.organisation_id
        path = find_organisation_in_subtree(session, person.organisation_path, place).path
    made, left = hand_out(parts.database, person, path, body.user_ids)
    return HandoutSheet(items=[HandoutLine(**vars(one)) for one in made], left=left)


class TeacherAnswer(BaseModel):
    """A teacher as others see them who book a lesson."""

    id: str
    display_name: str
    school: OrganisationBrief


class Teachers(BaseModel):
    """A page of teachers."""

    items: list[TeacherAnswer]
    total: int


@router.get("/teachers")
def list_teachers(
    person: PersonDependency,
    parts: PartsDependency,
    organisation_id: Annotated[Identity | None, Query(description="A school or anything above schools.")] = None,
    q: SearchText = None,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Teachers:
    """Teachers of the whole deployment, by name and school: those who book must find the other side's teacher."""
    if not person.may("lessons.book"):
        raise NotAllowed
    with parts.database.reading() as session:
        path = find_organisation(session, organisation_id).path if organisation_id else whole_tree()
        users, total = list_users(
            session, path, roles=[Role.TEACHER], search=q, limit=limit, offset=offset, enabled_only=True
        )
        items = [
            TeacherAnswer(id=user.id, display_name=user.display_name, school=OrganisationBrief.of(user.organisation))
            for user in users
        ]
        return Teachers(items=items, total=total)
