"""Everything that can go wrong for a caller, and how it is said over HTTP: RFC 9457 problem details.

The exception tree; each has a stable `code` (snake_case, translated by the web) and a sentence for people:

    Problem                     a request that cannot be served; status, code, detail
    +-- InvalidRequest    422   values do not fit together; `errors` names the fields. Remedy: correct them
    +-- NotSignedIn       401   no valid session or device token. Remedy: sign in or pair
    +-- NotAllowed        403   signed in, but the role does not carry this right
    +-- NotFound          404   there is no such thing, or none this caller may see
    +-- Conflict          409   the state forbids it; `conflicts` may name what it clashes with
    +-- TooManyAttempts   429   Remedy: wait `retry_after_s`

Features raise these; nobody else chooses status numbers. Anything that is not a Problem is our own fault: it is logged
with its traceback and answered with a plain 500.
"""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from service.recordings.object_store import StoreUnavailableError

log = logging.getLogger(__name__)

_GAVE_WAY = ("40P01", "40001")
"""PostgreSQL ended this transaction so that another could go on: deadlock, serialization failure."""

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):  # noqa: N818 - the tree speaks of problems, not of errors
    """A request that cannot be served, for a reason the caller is told."""

    status = 400
    code = "bad_request"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        errors: Sequence[dict[str, Any]] = (),
        conflicts: Sequence[dict[str, Any]] = (),
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.errors = list(errors)
        self.conflicts = list(conflicts)
        self.extra = extra or {}
        self.headers = headers or {}


class InvalidRequest(Problem):
    """Well-formed, but the values cannot be accepted."""

    status = 422
    code = "invalid_request"

    @classmethod
    def of_field(cls, field: str, message: str, *, code: str | None = None) -> "InvalidRequest":
        """One field is at fault."""
        return cls(f"{field}: {message}", code=code, errors=[{"field": field, "message": message}])


class NotSignedIn(Problem):
    """Nobody we know."""

    status = 401
    code = "not_signed_in"

    def __init__(self, detail: str = "Sign in first.", **keywords: Any) -> None:
        super().__init__(detail, **keywords)


class NotAllowed(Problem):
    """Somebody we know, without the right."""

    status = 403
    code = "not_allowed"

    def __init__(self, detail: str = "Your role does not allow this.", **keywords: Any) -> None:
        super().__init__(detail, **keywords)


class NotFound(Problem):
    """No such thing, or none the caller may know of."""

    status = 404
    code = "not_found"

    def __init__(self, detail: str = "There is no such thing here.", **keywords: Any) -> None:
        super().__init__(detail, **keywords)


class Conflict(Problem):
    """The present state forbids it."""

    status = 409
    code = "conflict"


class TooManyAttempts(Problem):
    """Asked too often."""

    status = 429
    code = "too_many_attempts"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(
            f"Too many attempts; try again in {retry_after_s} s.", headers={"Retry-After": str(retry_after_s)}
        )


def problem_response(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[dict[str, Any]] = (),
    conflicts: Sequence[dict[str, Any]] = (),
    extra: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """A problem details document (RFC 9457 section 3)."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if errors:
        body["errors"] = list(errors)
    if conflicts:
        body["conflicts"] = list(conflicts)
    body |= extra or {}
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def install_problem_handlers(application: FastAPI) -> None:
    """Answer every failure of `application` with a problem document."""
    application.add_exception_handler(Problem, _answer_problem)
    application.add_exception_handler(RequestValidationError, _answer_validation)
    application.add_exception_handler(HTTPException, _answer_http)
    application.add_exception_handler(IntegrityError, _answer_race)
    application.add_exception_handler(OperationalError, _answer_database_away)
    application.add_exception_handler(NoConnectionFree, _answer_database_away)
    application.add_exception_handler(StoreUnavailableError, _answer_store_away)
    application.add_exception_handler(Exception, _answer_unexpected)


async def _answer_problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - registered for this type
    return problem_response(
        error.status,
        error.code,
        error.detail,
        errors=error.errors,
        conflicts=error.conflicts,
        extra=error.extra,
        headers=error.headers,
    )


async def _answer_validation(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type
    if any(item["type"] == "json_invalid" for item in error.errors()):
        return problem_response(400, "bad_json", "The body is not valid JSON.")
    errors = [{"field": _field_name(item["loc"]), "message": _plain(item["msg"])} for item in error.errors()]
    detail = "; ".join(f"{item['field']}: {item['message']}" for item in errors[:5])
    return problem_response(422, "invalid_request", detail, errors=errors)


async def _answer_http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type
    details = {
        404: ("not_found", "There is no such address."),
        405: ("method_not_allowed", "This address does not understand that method."),
        413: ("too_large", "The body is too large."),
        400: ("bad_request", "The request cannot be read."),
    }
    code, detail = details.get(error.status_code, ("error", str(error.detail)))
    return problem_response(error.status_code, code, detail, headers=dict(error.headers or {}))


async def _answer_race(request: Request, error: Exception) -> Response:
    # Features check before they write; a constraint speaks only when somebody else was faster in between.
    log.warning("%s %s broke a constraint: %s", request.method, request.url.path, getattr(error, "orig", error))
    return problem_response(409, "conflict", "Somebody else changed the same thing at the same moment; look again.")


async def _answer_database_away(request: Request, error: Exception) -> Response:
    if getattr(getattr(error, "orig", None), "sqlstate", None) in _GAVE_WAY:
        return await _answer_race(request, error)
    # That it is away is said once by whoever looks at it all the time; here one line for each request is enough.
    log.info("%s %s: the database does not answer: %s", request.method, request.url.path, getattr(error, "orig", error))
    log.debug("how the database did not answer", exc_info=error)
    return problem_response(
        503, "database_unavailable", "The database does not answer; try again.", headers={"Retry-After": "2"}
    )


async def _answer_store_away(request: Request, error: Exception) -> Response:
    log.error("%s %s: %s", request.method, request.url.path, error, exc_info=error)
    return problem_response(
        503, "store_unavailable", "The store of recordings does not answer; try again.", headers={"Retry-After": "5"}
    )


async def _answer_unexpected(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem_response(500, "internal_error", "Something went wrong on our side; it was logged.")


def _field_name(location: Sequence[str | int]) -> str:
    """ "body.receivers.0.room_id" without the part that says where in the request it stood."""
    parts = [str(part) for part in location]
    if len(parts) > 1 and parts[0] in {"body", "query", "path", "header", "cookie"}:
        parts = parts[1:]
    return ".".join(parts)


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
