"""What `check` says of the ways in: TURN asked of a real coturn, and the public address."""

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from edge import free_port

from service.configuration import Configuration
from service.preflight.findings import Grade
from service.preflight.ways_in import TurnAddress, check_public_address, check_turn

SECRET = "s" * 32
STARTED_WITHIN_S = 10


@contextmanager
def running_coturn(folder: Path, port: int) -> Iterator[None]:
    program = shutil.which("turnserver")
    assert program, "coturn is missing; `make test` installs it"
    command = [
        program, "-n", "--use-auth-secret", f"--static-auth-secret={SECRET}", "--realm=county.test", "--no-cli",
        "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", f"--listening-port={port}", "--no-tls", "--no-dtls",
        f"--pidfile={folder}/turn.pid", f"--userdb={folder}/turn.db", "--log-file=stdout", "--simple-log",
    ]  # fmt: skip
    with (folder / "turn.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def turn(port: int, transport: str, secret: str = SECRET) -> Configuration:
    return Configuration(turn_urls=(f"turn:127.0.0.1:{port}?transport={transport}",), turn_secret=secret)


def grade_of(configuration: Configuration) -> tuple[Grade, str]:
    [finding] = check_turn(configuration)
    return finding.grade, finding.text


def test_a_turn_server_gives_an_allocation_over_udp_and_tcp_and_refuses_a_wrong_secret(tmp_path: Path) -> None:
    port = free_port()
    with running_coturn(tmp_path, port):
        deadline = time.monotonic() + STARTED_WITHIN_S
        while grade_of(turn(port, "tcp"))[0] is not Grade.GOOD:
            assert time.monotonic() < deadline, (tmp_path / "turn.log").read_text()
            time.sleep(0.1)
        assert grade_of(turn(port, "udp"))[0] is Grade.GOOD
        grade, text = grade_of(turn(port, "tcp", "x" * 32))
        assert grade is Grade.FAILURE
        assert "refuses our credentials" in text


def test_a_turn_server_that_is_not_there_fails() -> None:
    grade, text = grade_of(turn(9, "tcp"))
    assert grade is Grade.FAILURE
    assert "does not answer" in text


def test_no_turn_server_is_a_warning() -> None:
    assert grade_of(Configuration())[0] is Grade.WARNING


@pytest.mark.parametrize(
    ("url", "port", "transport", "tls"),
    [
        ("turn:turn.county.example", 3478, "udp", False),
        ("turns:turn.county.example", 5349, "tcp", True),
        ("turns:turn.county.example:443?transport=tcp", 443, "tcp", True),
    ],
)
def test_turn_uris_have_the_default_ports_of_rfc_7065(url: str, port: int, transport: str, tls: bool) -> None:
    assert TurnAddress.of(url) == TurnAddress(url, "turn.county.example", port, transport, tls)


def test_a_public_address_without_tls_fails() -> None:
    found = list(check_public_address(Configuration(public_url="http://127.0.0.1:9")))
    assert found[0].grade is Grade.FAILURE
    assert "https" in found[0].text


def test_what_is_no_address_fails_in_words() -> None:
    [finding] = check_public_address(Configuration(public_url="pages.county.example"))
    assert finding.grade is Grade.FAILURE


def test_no_public_address_is_a_warning() -> None:
    [finding] = check_public_address(Configuration())
    assert finding.grade is Grade.WARNING
