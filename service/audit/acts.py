"""Notes who does what: an act begins with a request that may change something, gets its person when that person is
known, and is written in the transaction of the first change it makes, so that neither is there without the other.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal

from fastapi.routing import APIRoute
from sqlalchemy import event, select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.accounts.principal import Person
from service.audit.tables import AuditRow
from service.clock import Clock
from service.organisation.tables import Organisation
from service.storage.database import Database

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LONGEST_PARAMETER = 120
REFUSED = "refused"
"""Key in `about` under which the status of a refusal stands, or the reason of a sign-in's."""

NOT_NOTED = frozenset(
    {
        "ask_what_if",  # questions
        "check_import",
        "suggest",
        "poll_pairing",
        "read_them",  # what somebody reads, watches and notes down is the usage log's, or nobody's business
        "remove_note",
        "report_watched",
        "send_connection_report",
        "write_note",
        "write_sheet",
    }
)
"""Operations that change nothing anybody must answer for."""


Reason = Literal["wrong_password", "unknown", "disabled", "locked_out"]
"""Why somebody who wanted to sign in was not let in; `unknown`: there is no such account."""


@dataclass
class Act:
    """One request on its way; shared by all that handles it, whichever thread they run on."""

    scope: Mapping[str, Any]
    person: Person | None = None
    is_written: bool = False
    turned_away: Reason | None = None
    """Why somebody who wanted to sign in could not; `person` is then whose account it was, if there is one."""
    made: dict[str, str] = field(default_factory=dict)
    """What came into being by it: an id for each name, as addresses have it."""

    @property
    def operation(self) -> str | None:
        """The operation's id as in the OpenAPI document, once the request is routed; None for what is not noted."""
        route = self.scope.get("route")
        return route.name if isinstance(route, APIRoute) and route.name not in NOT_NOTED else None


_act: ContextVar[Act | None] = ContextVar("act", default=None)


def done_by(person: Person) -> None:
    """The act of this request is `person`'s; nothing where no act has begun."""
    act = _act.get()
    if act is not None:
        act.person = person


def made(**ids: str) -> None:
    """Note what this request's act brings into being: no address names it yet. Within the transaction that does it."""
    act = _act.get()
    if act is not None:
        act.made |= ids


def turned_away(person: Person | None, reason: Reason) -> None:
    """Nobody was let in: note the attempt on `person`'s account, or on one that does not exist, with its reason."""
    act = _act.get()
    if act is not None:
        act.person, act.turned_away = person, reason


def act_to_write(at: datetime) -> dict[str, Any] | None:
    """The row of the present act, for a process that does it in a transaction of its own; None where there is none."""
    act = _act.get()
    if act is None or act.operation is None or act.person is None:
        return None
    return _row(act, act.person, act.operation, at)


def act_was_written() -> None:
    """The present act's row was written elsewhere, with its change."""
    act = _act.get()
    if act is not None:
        act.is_written = True


def _row(act: Act, person: Person | None, operation: str, at: datetime) -> dict[str, Any]:
    client = act.scope.get("client")
    named = {**act.scope.get("path_params", {}), **act.made}
    return {
        "at": at,
        "user_id": person.user_id if person else "",
        "person": person.display_name if person else "",
        "role": person.role.value if person else "",
        "organisation_path": person.organisation_path if person else "/",
        "operation": operation,
        "about": {str(name): str(value)[:LONGEST_PARAMETER] for name, value in named.items()},
        "client": client[0] if client else "",
    }


class AuditLog:
    """Writes acts into the database they change."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        database.before_commit.append(self._write_with_the_change)

    def finish(self, act: Act, status: int) -> None:
        """Complete the log before the answer leaves. Blocks.

        An act that succeeded without a transaction of its own, such as a command to a running lesson, is written now.
        One that had written something and was refused all the same is followed by a line that says so.
        """
        succeeded = status < HTTPStatus.BAD_REQUEST
        if act.operation is None:
            return
        if act.turned_away is not None:
            refused: dict[str, str] = {REFUSED: act.turned_away}
        elif act.person is None or succeeded == act.is_written:
            return
        else:
            refused = {} if succeeded else {REFUSED: str(status)}
        act.is_written = True  # by what follows: not once more because it is a change too
        with self._database.unit_of_work() as session:
            self._write(session, act, act.person, act.operation, refused)

    def _write_with_the_change(self, session: Session) -> None:
        act = _act.get()
        if act is not None and act.person is not None and not act.is_written and act.operation is not None:
            self._write(session, act, act.person, act.operation, {})

            def committed(_session: Session) -> None:
                act.is_written = True

            event.listen(session, "after_commit", committed, once=True)

    def _write(self, session: Session, act: Act, person: Person | None, operation: str, more: dict[str, str]) -> None:
        row = AuditRow(**_row(act, person, operation, self._clock.now()))
        row.about |= more
        if person is None:
            row.organisation_path = _top(session)
        session.add(row)
        session.flush()


def _top(session: Session) -> str:
    """Where what concerns no account in particular belongs: the root's administrators read it."""
    return session.scalar(select(Organisation.path).where(Organisation.is_root.is_(True))) or "/"


class NoteActs:
    """ASGI middleware in front of the routes: every request that may change something is an act."""

    def __init__(self, app: ASGIApp, log: AuditLog) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; the log is complete before the answer leaves."""
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            await self._app(scope, receive, send)
            return
        act = Act(scope)

        async def write_then_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                await run_in_threadpool(self._log.finish, act, message["status"])
            await send(message)

        token = _act.set(act)
        try:
            await self._app(scope, receive, write_then_send)
        finally:
            _act.reset(token)
