"""The rules of people's accounts: who may create, change and see whom."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.accounts.roles import Role, may_manage, may_work_at
from service.accounts.sessions import close_sessions_of
from service.accounts.tables import User
from service.accounts.usernames import check_username, username_key
from service.organisation.tables import Organisation
from service.organisation.tree import add_organisation, in_subtree
from service.problems import Conflict, InvalidRequest, NotAllowed, NotFound
from service.storage.base import new_id


def find_user_in_subtree(session: Session, person: Person, user_id: str) -> User:
    """A user of the person's subtree. Raises NotFound for anybody else."""
    user = session.get(User, user_id)
    if user is None or not person.may_see(user.organisation.path):
        raise NotFound("There is no such person here.")
    return user


def list_users(
    session: Session,
    path: str,
    *,
    roles: Sequence[str] = (),
    search: str | None = None,
    limit: int,
    offset: int,
    enabled_only: bool = False,
) -> tuple[Sequence[User], int]:
    """People at or below `path` whose name or username contains `search`; and how many there are in all."""
    conditions = [in_subtree(path)]
    if roles:
        conditions.append(User.role.in_(roles))
    if enabled_only:
        conditions.append(User.disabled.is_(False))
    if search:
        named = User.display_name.icontains(search, autoescape=True)
        conditions.append(named | User.username_key.contains(username_key(search), autoescape=True))
    joined = select(User).join(Organisation, User.organisation_id == Organisation.id).where(*conditions)
    total = session.scalar(select(func.count()).select_from(joined.subquery())) or 0
    page = joined.order_by(Organisation.path, User.display_name, User.id).limit(limit).offset(offset)
    return session.scalars(page).all(), total


def create_user(
    session: Session,
    *,
    username: str,
    password_hash: str,
    display_name: str,
    role: Role,
    organisation: Organisation,
    locale: str,
    now: datetime,
    by: Person | None = None,
) -> User:
    """A new account, created `by` an administrator or, if None, by the installation itself.

    Raises InvalidRequest for an unusable name or place, Conflict for a taken name, NotAllowed beyond `by`'s rights.
    """
    if by is not None and not may_manage(by.role, role):
        raise NotAllowed(f"You may not grant the role {role}.", code="role_not_grantable")
    _check_place(role, organisation)
    try:
        name = check_username(username)
    except ValueError as error:
        raise InvalidRequest.of_field("username", str(error)) from error
    key = username_key(name)
    if session.scalar(select(User.id).where(User.username_key == key)) is not None:
        raise Conflict("This username is taken.", code="username_taken")
    user = User(
        id=new_id(),
        username=name,
        username_key=key,
        display_name=display_name,
        password_hash=password_hash,
        role=role,
        organisation=organisation,
        organisation_id=organisation.id,
        locale=locale,
        disabled=False,
        created_at=now,
    )
    session.add(user)
    session.flush()
    return user


def change_user(
    session: Session,
    user: User,
    by: Person,
    *,
    display_name: str | None = None,
    role: Role | None = None,
    organisation: Organisation | None = None,
    locale: str | None = None,
    disabled: bool | None = None,
) -> None:
    """Change what is not None. Raises as `create_user`, and Conflict when an administrator would lock itself out."""
    require_manageable(by, user)
    if user.id == by.user_id and (role, organisation, disabled) != (None, None, None):
        raise Conflict("Nobody can change their own role, place or access.", code="own_account")
    if role is not None and not may_manage(by.role, role):
        raise NotAllowed(f"You may not grant the role {role}.", code="role_not_grantable")
    _check_place(role or user.typed_role, organisation or user.organisation)
    user.display_name = display_name or user.display_name
    user.role = role or user.role
    user.locale = locale or user.locale
    if organisation is not None:
        user.organisation = organisation
    if disabled is not None:
        user.disabled = disabled
        if disabled:
            close_sessions_of(session, user.id)


def require_manageable(by: Person, user: User) -> None:
    """Raise NotAllowed unless `by` ranks above `user`; one's own account has its own address (/api/account)."""
    if not may_manage(by.role, user.typed_role):
        raise NotAllowed("You may not change this account.")


def set_password(session: Session, user: User, password_hash: str, *, keep_session: str | None = None) -> None:
    """A new password, chosen by somebody; whoever is signed in with the old one is signed out."""
    user.password_hash = password_hash
    user.one_time_password = False
    close_sessions_of(session, user.id, but=keep_session)


def is_set_up(session: Session) -> bool:
    """Whether the first administrator exists."""
    return session.scalar(select(User.id).limit(1)) is not None


def create_first_administrator(
    session: Session,
    *,
    username: str,
    password_hash: str,
    display_name: str,
    organisation_name: str,
    organisation_kind: str,
    locale: str,
    now: datetime,
) -> User:
    """The root of the tree and the system administrator at it. Raises Conflict when there is anybody already.

    Two at the same moment: SQLite lets one unit of work in at a time; elsewhere the unique root stops the second.
    """
    if is_set_up(session):
        raise Conflict("The first administrator was created already.", code="setup_done")
    root = add_organisation(session, None, organisation_name, organisation_kind, now)
    return create_user(
        session,
        username=username,
        password_hash=password_hash,
        display_name=display_name,
        role=Role.SYSTEM_ADMINISTRATOR,
        organisation=root,
        locale=locale,
        now=now,
    )


def _check_place(role: Role, organisation: Organisation) -> None:
    if role is Role.SYSTEM_ADMINISTRATOR and organisation.parent_id is not None:
        raise InvalidRequest.of_field("organisation_id", "a system administrator belongs to the topmost organisation")
    if not may_work_at(role, organisation.kind):
        message = f"a {role} cannot belong to a {organisation.kind}"
        raise InvalidRequest.of_field("organisation_id", message, code="role_misplaced")
