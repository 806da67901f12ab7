"""The Compose file: its parts fit each other and are told settings that exist; its shape is checked by lint."""

import fnmatch
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from service.configuration import PREFIX, Configuration, load_configuration

FOLDER = Path(__file__).parents[2] / "deploy/containers"
KNOWN = {f"{PREFIX}{name}".upper() for name in Configuration.model_fields}


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((FOLDER / "compose.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def product(compose):
    services = compose["services"].items()
    return {name: one for name, one in services if one.get("image") == "three-classrooms"}


def option(command, name):
    return command[command.index(name) + 1]


def test_the_deployment_has_two_replicas_two_relays_and_a_worker(product):
    commands = sorted(one["command"][0] for one in product.values())
    assert commands == ["relay", "relay", "serve", "serve", "worker"]


def test_every_setting_of_the_file_exists_and_can_be_used(product, tmp_path, monkeypatch):
    for one in product.values():
        assert set(one["environment"]) <= KNOWN
    for key, value in product["serve-1"]["environment"].items():
        monkeypatch.setenv(key, value.replace("/run/secrets", str(tmp_path)))
        if value.startswith("/run/secrets/"):
            (tmp_path / Path(value).name).write_text("0" * 64, encoding="utf-8")
    configuration = load_configuration()
    assert configuration.effective_database_url.startswith("postgresql+psycopg://")
    assert configuration.s3_keys == ("0" * 64, "0" * 64)


def test_every_secret_a_part_reads_is_given_to_it_and_declared(compose):
    for name, one in compose["services"].items():
        given = set(one.get("secrets", ()))
        assert given <= set(compose["secrets"]), name
        values = " ".join(map(str, one.get("environment", {}).values()))
        read = {word.split("/")[0].split()[0] for word in values.split("/run/secrets/")[1:]}
        assert read <= given, name


def test_relays_are_given_neither_the_database_nor_the_store(product):
    for one in product.values():
        if one["command"][0] == "relay":
            assert one["secrets"] == ["fleet_key"]
            told = one["environment"]
            assert not [key for key in told if "DATABASE" in key or "S3" in key]
            # The operator names TURN servers for all; a process told of them without their secret refuses to start.
            assert told[f"{PREFIX}TURN_URLS"] == ""


def test_one_part_builds_the_image_that_all_of_them_run(product):
    assert [name for name, one in product.items() if "build" in one] == ["serve-1"]


def test_no_secret_gets_into_an_image():
    ignored = (FOLDER.parents[1] / ".dockerignore").read_text(encoding="utf-8").split()
    for own in (FOLDER / ".gitignore").read_text(encoding="utf-8").split():
        path = f"deploy/containers/{own.rstrip('/')}"
        assert any(fnmatch.fnmatch(path, pattern) for pattern in ignored), path


def test_redis_owns_the_folder_of_its_socket_before_it_starts(compose):
    """A new volume is root's, and the image's entrypoint gives Redis its data folder only."""
    shell, option, script = compose["services"]["redis"]["entrypoint"]
    assert (shell, option) == ("/bin/sh", "-c")
    folder = Path(compose["services"]["redis"]["command"][4]).parent
    assert script.startswith(f"chown redis {folder} && exec docker-entrypoint.sh ")


def test_ports_and_names_are_given_once(product):
    relays = [one["command"] for one in product.values() if one["command"][0] == "relay"]
    replicas = [one["command"] for one in product.values() if one["command"][0] == "serve"]
    for values in (
        [option(command, "--id") for command in relays],
        [option(command, "--udp-port") for command in relays],
        [option(command, "--cpu") for command in relays],
        [option(command, "--port") for command in replicas],
    ):
        assert len(values) == len(set(values)) == 2


def test_the_edge_passes_to_every_replica(compose, product):
    servers = compose["services"]["edge"]["environment"]["PAGES_SERVERS"]
    for one in product.values():
        if one["command"][0] == "serve":
            assert f"server 127.0.0.1:{option(one['command'], '--port')};" in servers


def test_relays_have_time_to_drain(product):
    for one in product.values():
        if one["command"][0] == "relay":
            minutes = Configuration.model_fields["relay_drain_minutes"].get_default()
            assert int(one["stop_grace_period"].removesuffix("m")) > minutes


@pytest.fixture
def copy(tmp_path):
    for name in ("containers", "edge"):
        shutil.copytree(FOLDER.parent / name, tmp_path / name)
    return tmp_path


def test_secrets_are_made_once_and_are_long_enough(copy, compose):
    def make():
        subprocess.run([copy / "containers/make-secrets"], check=True, capture_output=True)
        secrets = copy / "containers/secrets"
        return {path.name: path.read_text(encoding="utf-8") for path in secrets.iterdir()}

    first = make()
    wanted = {Path(one["file"]).name for one in compose["secrets"].values()}
    assert wanted - set(first) == {"certificate.pem", "certificate-key.pem"}  # the operator's own
    assert len(first["fleet-key"]) >= 32
    assert len(first["turn-secret"]) >= 16
    assert first["postgresql-password"] in first["postgresql-passfile"]
    assert make() == first


def test_the_edges_environment_fills_both_of_its_files(copy, compose):
    sample = (FOLDER / "edge.environment.sample").read_text(encoding="utf-8")
    given = dict(line.split("=", 1) for line in sample.splitlines() if line and not line.startswith("#"))
    given |= compose["services"]["edge"]["environment"] | {"TURN_SECRET": "0" * 32, "PATH": os.environ["PATH"]}
    for name in ("nginx.conf", "turnserver.conf"):
        filled = subprocess.run(
            [copy / "edge/fill", copy / "edge" / name], env=given, capture_output=True, text=True, check=True
        ).stdout
        assert "PAGES_" not in filled
        assert "TURN_SECRET" not in filled


def test_a_word_the_edge_was_not_told_is_named(copy):
    told = subprocess.run(
        [copy / "edge/fill", copy / "edge/nginx.conf"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert "has no value" in told.stderr
