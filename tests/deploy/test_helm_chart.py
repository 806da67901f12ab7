"""The Helm chart: every object is a valid one of Kubernetes, and the product is told settings that it knows."""

import jsonschema
import kubernetes_validate
import pytest
from helm_chart import rendered

from service.command_line.program import program
from service.configuration import PREFIX, Configuration

OLDEST, NEWEST = "1.27", "1.31"
KNOWN = {f"{PREFIX}{name}".upper() for name in Configuration.model_fields}
COMMANDS = {command.name or command.callback.__name__ for command in program.registered_commands if command.callback}
EVERYTHING = {
    "turn": {"urls": "turns:turn.county.example:443?transport=tcp"},
    "s3": {"endpoint": "https://s3.county.example"},
    "trustedProxies": "10.0.0.1",
    "ingress": {"className": "nginx"},
    "journals": {"storageClassName": "shared"},
    "settings": {"THREE_CLASSROOMS_TIME_ZONE": "Asia/Urumqi"},
    "relay": {"perNode": 3},
}


def containers(**values):
    for _file, one in rendered(**values):
        if one["kind"] in {"Deployment", "DaemonSet"}:
            yield one["metadata"]["name"], one["spec"]["template"]["spec"]["containers"][0]


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["as it is", "everything set"])
def test_every_object_is_valid(version, values):
    kinds = [
        one["kind"] for _file, one in rendered(**values) if kubernetes_validate.validate(one, version, strict=True)
    ]
    assert kinds.count("DaemonSet") == values.get("relay", {}).get("perNode", 1)
    assert {"Deployment", "Service", "Ingress", "PodDisruptionBudget", "PersistentVolumeClaim"} <= set(kinds)


def test_every_process_is_told_settings_that_exist_once_and_nothing_else():
    for name, container in containers(**EVERYTHING):
        told = [one["name"] for one in container["env"] if one["name"] != "NODE_NAME"]
        assert set(told) <= KNOWN, name
        assert len(told) == len(set(told)), name


def test_every_process_runs_a_command_that_exists():
    assert {container["args"][0] for _name, container in containers()} == {"serve", "relay", "worker"} <= COMMANDS


def test_relays_of_a_node_have_ports_and_names_of_their_own():
    relays = [container for name, container in containers(**EVERYTHING) if "relay" in name]
    ports = [container["args"][container["args"].index("--udp-port") + 1] for container in relays]
    assert ports == ["40000", "40001", "40002"]
    assert len({container["args"][2] for container in relays}) == len(relays)
    for container, port in zip(relays, ports, strict=True):
        assert container["ports"][0]["hostPort"] == int(port)


def test_a_relay_has_time_to_drain():
    for _file, one in rendered(relay={"drainMinutes": 90}):
        if one["kind"] == "DaemonSet":
            assert one["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > 90 * 60


def test_relays_are_given_neither_the_database_nor_the_store():
    for name, container in containers(**EVERYTHING):
        told = {one["name"] for one in container["env"]}
        assert (f"{PREFIX}DATABASE_URL" in told) == ("relay" not in name)


def test_a_claim_made_beforehand_is_used_instead_of_the_charts_own():
    objects = [one for _file, one in rendered(journals={"existingClaim": "shared-journals"})]
    assert not any(one["kind"] == "PersistentVolumeClaim" for one in objects)
    claims = {
        volume["persistentVolumeClaim"]["claimName"]
        for one in objects
        if one["kind"] in {"Deployment", "DaemonSet"}
        for volume in one["spec"]["template"]["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    }
    assert claims == {"shared-journals"}


@pytest.mark.parametrize("wrong", [{"relays": 3}, {"serve": {"replicas": 0}}, {"settings": {"TIME_ZONE": "UTC"}}])
def test_values_nobody_knows_are_refused(wrong):
    with pytest.raises(jsonschema.ValidationError):
        list(rendered(**wrong))
