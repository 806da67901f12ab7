"""The program as an operator meets it: a process, its exit code, and what it says where."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

PROGRAM = [sys.executable, "-m", "service.command_line"]
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("THREE_CLASSROOMS_")}


def run(*arguments: str, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments],
        input=given,
        capture_output=True,
        text=True,
        env=ENVIRONMENT | environment,
        timeout=60,
        check=False,
    )


@contextmanager
def serving(folder: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    arguments = ["serve", "--no-demo", "--port", "0", "--udp-port", "0", "--data-folder", str(folder)]
    process = subprocess.Popen(
        [*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        word, _, ready = process.stdout.readline().partition(" ")
        assert word == "READY", process.stderr.read()
        yield process, json.loads(ready)
    finally:
        process.kill()
        process.communicate()


def test_the_version_is_one_line() -> None:
    assert run("version").stdout.count("\n") == 1


def test_the_openapi_document_is_json_and_touches_nothing(tmp_path: Path) -> None:
    answer = run("openapi", THREE_CLASSROOMS_DATA_FOLDER=str(tmp_path / "data"))
    assert "/api/lessons" in json.loads(answer.stdout)["paths"]
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_empty_installation_starts_is_set_up_and_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path / "data") as (process, ready):
        token = ready["setup_url"].partition("token=")[2]
        body = {
            "token": token,
            "username": "first",
            "password": "a good password",
            "display_name": "First",
            "organisation_name": "青禾州",
        }
        assert httpx.post(f"{ready['url']}/api/setup", json=body, trust_env=False).status_code == 201
        process.send_signal(number)
        rest, said = process.communicate(timeout=20)
        assert (process.returncode, rest) == (0, "")
        assert "Traceback" not in said
    with serving(tmp_path / "data") as (_, ready):
        assert "setup_url" not in ready
        assert httpx.get(f"{ready['url']}/api/settings", trust_env=False).json()["setup_needed"] is False


def refusal(*arguments: str, **environment: str) -> str:
    answer = run(*arguments, **environment)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "Traceback" not in answer.stderr
    return answer.stderr


def test_a_taken_tcp_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = refusal("serve", "--port", port, "--udp-port", "0", "--data-folder", str(tmp_path / "data"))
    assert "--port" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_a_taken_udp_port_is_told_with_the_option_that_helps(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as taken:
        taken.bind(("::", 0))
        port = str(taken.getsockname()[1])
        said = refusal("serve", "--port", "0", "--udp-port", port, "--data-folder", str(tmp_path))
    assert "--udp-port" in said


def test_an_unusable_data_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = refusal("serve", "--port", "0", "--udp-port", "0", "--data-folder", str(tmp_path / "file"))
    assert "file" in said


def test_an_unknown_setting_is_named() -> None:
    assert "THREE_CLASSROOMS_PROT" in refusal("serve", THREE_CLASSROOMS_PROT="1")


@pytest.mark.parametrize("arguments", [("serve", "--port", "eighty"), ("serve", "--port", "70000"), ("dance",)])
def test_nonsense_is_refused(arguments: tuple[str, ...]) -> None:
    refusal(*arguments)


def test_administrators_are_created_from_the_terminal(tmp_path: Path) -> None:
    def create(username: str, password: str, *more: str) -> subprocess.CompletedProcess[str]:
        return run(
            *("create-administrator", "--username", username, "--display-name", "A", "--password-stdin"),
            *("--data-folder", str(tmp_path), *more),
            given=password + "\n",
        )

    assert create("first", "a good password").returncode == 2
    assert create("first", "short", "--organisation", "青禾州").returncode == 2
    assert create("first", "a good password", "--organisation", "青禾州").returncode == 0
    assert "taken" in create("first", "a good password").stderr
    assert create("second", "a good password").returncode == 0


def test_a_room_whose_server_address_is_wrong_is_told_so() -> None:
    said = refusal("room", "--url", "nonsense")
    assert said.count("\n") == 1


@pytest.mark.parametrize("verb", ["relay", "worker"])
def test_parts_of_a_fleet_say_that_they_need_redis(verb: str) -> None:
    finished = run(verb, REDIS_URL="")
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "needs REDIS_URL" in finished.stderr


def test_a_wrong_redis_address_and_a_missing_core_are_one_sentence() -> None:
    key = {"THREE_CLASSROOMS_FLEET_KEY": "k" * 32}
    wrong = run("relay", REDIS_URL="http://nowhere", **key)
    assert (wrong.returncode, "REDIS_URL" in wrong.stderr, "Traceback" in wrong.stderr) == (2, True, False)
    core = run("relay", "--cpu", "9999", REDIS_URL="redis://127.0.0.1:1/0", **key)
    assert (core.returncode, "no core 9999" in core.stderr) == (2, True)


def test_check_reports_for_programs_and_says_by_its_exit_code_whether_it_would_serve(tmp_path: Path) -> None:
    told = run("check", "--json", "--data-folder", str(tmp_path), THREE_CLASSROOMS_UDP_PORT="0")
    findings = json.loads(told.stdout)
    assert {"data folder", "UDP port", "database", "TURN"} <= {finding["subject"] for finding in findings}
    assert told.returncode == int(any(finding["grade"] == "failure" for finding in findings))


def test_check_fails_when_what_is_needed_is_not_there(tmp_path: Path) -> None:
    told = run("check", "--data-folder", str(tmp_path), DATABASE_URL="postgresql://a:b@127.0.0.1:9/c")
    assert told.returncode == 1
    assert "database" in told.stderr
    assert "Traceback" not in told.stderr
