"""The demonstration's secrets: random for each installation, kept beside its data.

A second start prints the same. Only the user the server runs as may read the file (mode 600).
"""

import json
import os
import secrets
from pathlib import Path

from pydantic import BaseModel, ValidationError

from service.accounts.roles import Role
from service.configuration import ConfigurationError
from service.security.tokens import new_token

FILE_NAME = "demonstration.json"

USERNAMES = {
    Role.SYSTEM_ADMINISTRATOR: "system",
    Role.PREFECTURE_ADMINISTRATOR: "prefecture",
    Role.COUNTY_ADMINISTRATOR: "county",
    Role.SCHOOL_ADMINISTRATOR: "school",
    Role.TEACHER: "teacher",
    Role.RESEARCHER: "researcher",
    Role.INSPECTOR: "inspector",
}


class DemoAccount(BaseModel):
    """One account to try the product with."""

    role: Role
    username: str
    password: str


class DemoCredentials(BaseModel):
    """All accounts, and the token of each demonstrated room's device: lead room first."""

    accounts: list[DemoAccount]
    device_tokens: list[str]

    def password_of(self, role: Role) -> str:
        """The password of the account with this role."""
        return next(account.password for account in self.accounts if account.role is role)


def load_credentials(data_folder: Path) -> DemoCredentials | None:
    """Those of an earlier start, or None. Raises ConfigurationError if the file cannot be read."""
    path = data_folder / FILE_NAME
    try:
        return DemoCredentials.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise ConfigurationError(f"{path} cannot be used; restore it or remove the folder {data_folder}") from error


def make_credentials(data_folder: Path, rooms: int) -> DemoCredentials:
    """New ones, written before they are used, whole or not at all."""
    credentials = DemoCredentials(
        accounts=[
            DemoAccount(role=role, username=username, password=secrets.token_urlsafe(9))
            for role, username in USERNAMES.items()
        ],
        device_tokens=[new_token() for _ in range(rooms)],
    )
    path = data_folder / FILE_NAME
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(credentials.model_dump(mode="json"), indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    return credentials
