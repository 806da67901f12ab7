"""The creation of a system administrator from the terminal."""

from sqlalchemy import select

from service.accounts.people import create_first_administrator, create_user, is_set_up
from service.accounts.roles import Role
from service.bootstrap import make_parts, prepare_storage
from service.configuration import Configuration, ConfigurationError
from service.organisation.tables import Organisation
from service.problems import Problem
from service.security.passwords import LONGEST, SHORTEST, hash_password


def add_system_administrator(
    configuration: Configuration, username: str, password: str, display_name: str, organisation: str | None
) -> None:
    """Create the account. Raises ConfigurationError with a sentence for whatever is wrong."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise ConfigurationError(f"the password must have {SHORTEST} to {LONGEST} characters")
    if not 1 <= len(display_name.strip()) <= 60:
        raise ConfigurationError("the display name must have 1 to 60 characters")
    parts = make_parts(configuration)
    prepare_storage(parts)
    password_hash = hash_password(password)
    try:
        with parts.database.unit_of_work() as session:
            if is_set_up(session):
                create_user(
                    session,
                    username=username,
                    password_hash=password_hash,
                    display_name=display_name.strip(),
                    role=Role.SYSTEM_ADMINISTRATOR,
                    organisation=session.scalars(select(Organisation).where(Organisation.parent_id.is_(None))).one(),
                    locale=configuration.default_locale,
                    now=parts.clock.now(),
                )
            elif organisation is None:
                raise ConfigurationError("the first administrator needs --organisation, the name of the topmost one")
            else:
                create_first_administrator(
                    session,
                    username=username,
                    password_hash=password_hash,
                    display_name=display_name.strip(),
                    organisation_name=organisation,
                    organisation_kind="prefecture",
                    locale=configuration.default_locale,
                    now=parts.clock.now(),
                )
    except Problem as problem:
        raise ConfigurationError(problem.detail) from problem
    finally:
        parts.database.close()
