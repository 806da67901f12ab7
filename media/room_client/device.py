"""The room as a device of the service: paired once by a code, known by a token in a file, asking for its lesson."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from media.room_client.errors import ConnectionLostError, RefusedError

TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class PairingCode:
    """A code to be confirmed by the school's administrator."""

    code: str
    pairing_id: str
    secret: str


class DeviceService:
    """The service's device endpoints. All calls raise ConnectionLostError when it cannot be reached or stumbles."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self._http = httpx.AsyncClient(base_url=url.rstrip("/"), timeout=TIMEOUT_S, trust_env=False)
        self.token = token

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def begin_pairing(self) -> PairingCode:
        """Ask for a code to be shown."""
        body = await self._call("POST", "/api/device/pairing", {})
        return PairingCode(_text(body, "code"), _text(body, "pairing_id"), _text(body, "secret"))

    async def poll_pairing(self, pairing: PairingCode) -> str:
        """ "waiting", "expired" or "paired"; then `token` is set."""
        try:
            body = await self._call("POST", f"/api/device/pairing/{pairing.pairing_id}", {"secret": pairing.secret})
        except RefusedError:
            # A server that has forgotten the code altogether.
            return "expired"
        state = _text(body, "state")
        if state == "paired":
            self.token = _text(body, "token")
        return state

    async def room_name(self) -> str:
        """The name of the paired room; raises RefusedError if the token is not good any more."""
        room = (await self._call("GET", "/api/device")).get("room")
        return str(room.get("name", "")) if isinstance(room, dict) else ""

    async def current_lesson_id(self) -> str | None:
        """The lesson that can be joined now; raises RefusedError if the token is not good any more."""
        current = (await self._call("GET", "/api/device/lesson")).get("current")
        return str(current["id"]) if isinstance(current, dict) and "id" in current else None

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            response = await self._http.request(method, path, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise ConnectionLostError(f"the server cannot be reached: {error or type(error).__name__}") from error
        finally:
            # The token is ours to send; a cookie beside it would make the server ask for more.
            self._http.cookies.clear()
        if response.status_code in {401, 403}:
            raise RefusedError("not_allowed", "the server does not know this room any more")
        if response.status_code == 404:
            raise RefusedError("not_found", f"the server knows no {path}")
        if response.is_error:
            raise ConnectionLostError(f"the server answered {response.status_code} to {path}")
        try:
            answer = response.json()
        except ValueError as error:
            raise ConnectionLostError(f"the server's answer to {path} is not JSON") from error
        return answer if isinstance(answer, dict) else {}


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise ConnectionLostError(f"the server's answer lacks {name}")
    return value


def read_token(path: Path, url: str) -> str | None:
    """The token kept in `path` for the server at `url`, None if there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or content.get("url") != url or not isinstance(content.get("token"), str):
        return None
    return str(content["token"])


def keep_token(path: Path, url: str, token: str) -> None:
    """Keep the token, readable by its owner only; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump({"url": url, "token": token}, file)
    temporary.replace(path)
