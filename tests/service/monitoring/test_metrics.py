"""What Prometheus gets, who gets it, and that alerts and dashboard ask for nothing that is not there."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from starlette.testclient import TestClient

from media.contract import RelayHeartbeat
from service.application import create_application

TOKEN = "a token of sixteen or more"
MONITORING = Path(__file__).parents[3] / "deploy" / "monitoring"


@pytest.fixture
def scraped(parts: Any, county: Any) -> Any:
    """Scrapes a deployment with a metrics token, after one request for health and one for a page that is not there."""
    parts.configuration = parts.configuration.model_copy(update={"metrics_token": SecretStr(TOKEN)})
    now = parts.clock.now().timestamp()
    parts.live.events.handle(
        RelayHeartbeat(
            relay_id="relay-1", run_id="run", at=now - 3, udp_port=40000, lessons=2, connections=6, tracks=9,
            packets_received=1000, packets_forwarded=3000,
        )
    )  # fmt: skip
    with TestClient(create_application(parts)) as client:
        client.get("/api/health")
        client.get("/api/no/such/address")

        def scrape(token: str | None = TOKEN) -> Any:
            return client.get("/api/metrics", headers={} if token is None else {"Authorization": f"Bearer {token}"})

        yield scrape


def values(text: str) -> dict[str, float]:
    return {
        sample.name + "".join(f" {key}={value}" for key, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_tell_what_relays_carry_and_how_requests_went(scraped: Any) -> None:
    answer = scraped()
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    found = values(answer.text)
    assert found["three_classrooms_relay_lessons relay=relay-1"] == 2
    assert found["three_classrooms_relay_packets_forwarded_total relay=relay-1"] == 3000
    assert found["three_classrooms_relay_silence_seconds relay=relay-1"] == 3
    assert found["three_classrooms_http_requests_total method=GET route=/api/health status=2xx"] == 1
    assert found["three_classrooms_http_requests_total method= route=other status=4xx"] == 1
    assert found["three_classrooms_database_up"] == 1
    assert found["three_classrooms_usage_events_lost_total"] == 0
    assert found["three_classrooms_data_free_bytes"] > 0


def test_without_the_right_token_nothing_is_told(scraped: Any) -> None:
    assert scraped(None).status_code == 401
    assert scraped("a wrong token of the right length").status_code == 403


def test_where_no_token_is_set_there_are_no_metrics(anonymous: Any) -> None:
    answer = anonymous.client.get("/api/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 404


def test_a_database_that_does_not_answer_is_a_value_and_not_an_error(scraped: Any, parts: Any) -> None:
    with parts.database.unit_of_work() as session:
        session.connection().exec_driver_sql("DROP TABLE recordings")
    assert values(scraped().text)["three_classrooms_database_up"] == 0


def test_no_label_names_a_person_a_school_or_an_address(scraped: Any) -> None:
    labels = {
        key for family in text_string_to_metric_families(scraped().text) for one in family.samples for key in one.labels
    }
    assert labels == {"relay", "route", "method", "status", "le"}


@pytest.mark.parametrize("file", ["alerts.yml", "dashboard.json"])
def test_alerts_and_dashboard_ask_only_for_metrics_that_exist(scraped: Any, file: str) -> None:
    known = {name.split(" ")[0] for name in values(scraped().text)}
    known |= {"three_classrooms_recordings", "three_classrooms_lessons_live"}
    asked = set(re.findall(r"three_classrooms_[a-z_]+", (MONITORING / file).read_text(encoding="utf-8")))
    assert len(asked) >= 5
    assert asked <= known


def test_the_dashboard_is_one_that_grafana_reads() -> None:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))
    identities = [panel["id"] for panel in dashboard["panels"]]
    assert len(identities) == len(set(identities)) >= 6
    assert all(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
