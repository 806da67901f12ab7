"""The creation of the first administrator, once, by whoever was shown the server's token."""

from typing import Literal

from fastapi import APIRouter, status
from pydantic import Field, SecretStr
from starlette.requests import Request

from service.accounts.people import create_first_administrator, is_set_up
from service.api.answers import UserAnswer
from service.api.dependencies import PartsDependency, client_address
from service.api.forms import RequestBody, Text60, Text120
from service.api.session import NewPassword
from service.problems import Conflict, NotAllowed
from service.security.passwords import hash_password
from service.security.rate_limits import SETUP

router = APIRouter(tags=["setup"])


class SetupRequest(RequestBody):
    """The token the server printed, the first administrator and the topmost organisation."""

    token: SecretStr = Field(max_length=200)
    username: str = Field(min_length=1, max_length=128)
    password: NewPassword
    display_name: Text60
    organisation_name: Text120
    organisation_kind: Literal["nation", "province", "prefecture", "county", "school"] = "prefecture"


@router.post("/setup", status_code=status.HTTP_201_CREATED)
def set_up(body: SetupRequest, request: Request, parts: PartsDependency) -> UserAnswer:
    """Create the first administrator."""
    parts.rate_limits.check(SETUP, client_address(request))
    with parts.database.reading() as session:
        if is_set_up(session):
            raise Conflict("The first administrator was created already.", code="setup_done")
    if not parts.setup.permits(body.token.get_secret_value()):
        raise NotAllowed("This is not the token the server printed when it started.", code="wrong_setup_token")
    password_hash = hash_password(body.password.get_secret_value())
    with parts.database.unit_of_work() as session:
        user = create_first_administrator(
            session,
            username=body.username,
            password_hash=password_hash,
            display_name=body.display_name,
            organisation_name=body.organisation_name,
            organisation_kind=body.organisation_kind,
            locale=parts.configuration.default_locale,
            now=parts.clock.now(),
        )
        return UserAnswer.of(user)
