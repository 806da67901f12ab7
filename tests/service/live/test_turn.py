"""Credentials for the deployment's TURN server: short-lived, signed, and only where there is one."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service.configuration import ConfigurationError, load_configuration
from service.live.turn import TurnServer

NOW = datetime(2026, 9, 7, 0, 30, tzinfo=UTC)
URL = "turns:turn.example.cn:443?transport=tcp"


def test_without_a_turn_server_clients_are_told_of_none() -> None:
    assert TurnServer().ice_for("connection", NOW) == {}


def test_credentials_are_the_signed_time_until_which_they_hold() -> None:
    (server,) = TurnServer((URL,), "a shared secret of coturn").ice_for("c1", NOW)["ice_servers"]
    expires, _, owner = server["username"].partition(":")
    assert (server["urls"], owner) == ([URL], "c1")
    assert int(expires) == NOW.timestamp() + 6 * 3600
    signed = hmac.new(b"a shared secret of coturn", server["username"].encode(), hashlib.sha1).digest()
    assert base64.b64decode(server["credential"]) == signed


@pytest.mark.parametrize(
    "settings",
    [
        {"turn_urls": "https://turn.example.cn", "turn_secret": "s" * 20},
        {"turn_urls": "turns:turn.example.cn:443?transport=quic", "turn_secret": "s" * 20},
        {"turn_urls": URL},
        {"turn_urls": URL, "turn_secret": "short"},
    ],
)
def test_a_turn_setting_that_cannot_work_is_refused_by_name(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"(?i)turn"):
        load_configuration({}, **settings)


def test_the_secret_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "turn"
    file.write_text("a shared secret of coturn\n")
    configuration = load_configuration({}, turn_urls=URL, turn_secret_file=file)
    assert configuration.turn_shared_secret == "a shared secret of coturn"
