"""What `check` says of the machine: disk, ports, addresses; over the machine the tests run on."""

import socket
from pathlib import Path

from service.configuration import Configuration
from service.preflight.findings import Grade
from service.preflight.machine import check_data_folder, check_tcp_port, check_udp_port

LIMITS = [name for name in Configuration.model_fields if name.startswith("recording_")]


def grades(findings) -> dict[str, Grade]:
    return {finding.subject: finding.grade for finding in findings}


def test_a_folder_that_can_be_made_is_good_and_is_not_made(tmp_path: Path) -> None:
    nothing = dict.fromkeys(LIMITS, 0)
    configuration = Configuration(data_folder=tmp_path / "a/b", **nothing)
    [finding] = check_data_folder(configuration)
    assert finding.grade is Grade.GOOD
    assert list(tmp_path.iterdir()) == []


def test_a_disk_too_full_to_record_fails_and_says_what_is_free(tmp_path: Path) -> None:
    everything = dict.fromkeys(LIMITS, 10**9)
    configuration = Configuration(data_folder=tmp_path, **everything)
    [finding] = check_data_folder(configuration)
    assert finding.grade is Grade.FAILURE
    assert "MiB are free" in finding.text


def test_a_disk_that_is_getting_full_is_a_warning(tmp_path: Path) -> None:
    [finding] = check_data_folder(Configuration(data_folder=tmp_path, recording_warn_free_mb=10**9))
    assert finding.grade is Grade.WARNING


def test_a_folder_that_is_a_file_fails(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    [finding] = check_data_folder(Configuration(data_folder=tmp_path / "file"))
    assert finding.grade is Grade.FAILURE


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        [finding] = check_tcp_port(Configuration(port=port))
    assert finding.grade is Grade.WARNING
    assert f"127.0.0.1:{port}" in finding.text


def test_a_udp_port_that_is_taken_is_named() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as taken:
        taken.bind(("::", 0))
        port = taken.getsockname()[1]
        [finding] = check_udp_port(Configuration(udp_port=port))
    assert finding.grade is Grade.WARNING
    assert f"UDP {port}" in finding.text


def test_a_datagram_really_comes_in_at_the_addresses_of_this_machine() -> None:
    configuration = Configuration(udp_port=0, announced_addresses=("127.0.0.1",))
    assert grades(check_udp_port(configuration))["media address"] is Grade.GOOD


def test_an_address_of_another_machine_is_left_to_the_connection_test() -> None:
    configuration = Configuration(udp_port=0, announced_addresses=("198.51.100.7",))
    assert grades(check_udp_port(configuration))["media address"] is Grade.WARNING


def test_an_address_that_is_none_fails() -> None:
    configuration = Configuration(udp_port=0, announced_addresses=("relay.county.example",))
    assert grades(check_udp_port(configuration))["media address"] is Grade.FAILURE
