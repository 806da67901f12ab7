"""Which deployment the end-to-end tests run against: one process, or (E2E_DEPLOYMENT=fleet) all parts of many."""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from edge import Edge
from fleet.product import FleetProduct
from running_product import Installation, Product, free_tcp_port

from service.bootstrap import make_parts
from service.configuration import load_configuration
from service.demo.demands import fill_demands
from service.demo.demonstration import prepare_county
from service.demo.public_lessons import fill_public_lessons
from service.demo.timetable import fill_timetable

CHOICES = ("embedded", "fleet")
CHOSEN = os.environ.get("E2E_DEPLOYMENT") or CHOICES[0]
if CHOSEN not in CHOICES:
    raise ValueError(f"E2E_DEPLOYMENT is {CHOSEN!r}; it must be one of {', '.join(CHOICES)}")
IS_FLEET = CHOSEN == "fleet"


def new_product(folder: Path, environment: Mapping[str, str]) -> Installation:
    """An empty installation that is not started yet."""
    return FleetProduct(folder, environment) if IS_FLEET else Product(folder, environment=dict(environment))


def http_ports() -> tuple[int, ...]:
    """Free ports for the replicas of an installation, for an edge that is started before them."""
    return tuple(free_tcp_port() for _ in range(2 if IS_FLEET else 1))


def product_behind(edge: Edge, folder: Path, environment: Mapping[str, str], ports: tuple[int, ...]) -> Installation:
    """An empty installation behind an edge that passes to these ports."""
    if IS_FLEET:
        return FleetProduct(folder, environment, edge=edge, http_ports=ports)
    return Product(folder, environment=dict(environment), http_port=ports[0])


def product_seen_at(address: str, folder: Path, environment: Mapping[str, str]) -> Installation:
    """An empty installation whose pages are found at an address and port before which something stands in the way."""
    port = free_tcp_port()
    if IS_FLEET:
        return FleetProduct(folder, environment, seen_at=(address, port))
    public = {"THREE_CLASSROOMS_PUBLIC_URL": f"http://{address}:{port}"}
    return Product(folder, environment=dict(environment) | public, http_port=free_tcp_port())


@contextmanager
def demonstration(folder: Path) -> Iterator[Installation]:
    """The demonstration county, `ready` with its accounts; a fleet has its people and weeks without the live lesson."""
    if not IS_FLEET:
        with Product.started(folder, "--demo") as running:
            yield running
        return
    with FleetProduct.started(folder) as fleet:
        fleet.ready["accounts"] = _fill_with_demonstration(fleet)
        yield fleet


def _fill_with_demonstration(fleet: FleetProduct) -> list[dict[str, str]]:
    """What `serve --demo` does before its live lesson begins, into the fleet's database."""
    database_url = fleet.deployment.environment["DATABASE_URL"]
    parts = make_parts(load_configuration(database_url=database_url, data_folder=fleet.data_folder))
    with closing(parts.database):
        credentials = prepare_county(parts)
        fill_timetable(parts)
        fill_demands(parts)
        fill_public_lessons(parts)
    return [account.model_dump(mode="json") for account in credentials.accounts]
