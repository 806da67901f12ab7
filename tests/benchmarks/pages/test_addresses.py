"""Every address of the API that is read is measured by this benchmark, or stands in the list that says why not."""

import re
from dataclasses import fields
from typing import Any

import pytest
from benchmarks.pages.addresses import NOT_ASKED, PEOPLE, Places

from service.application import create_application
from service.bus.memory import MemoryBus
from service.configuration import Configuration
from service.parts import Parts
from service.storage.database import Database


class Nothing:
    """Makes no recording; nothing is asked here."""

    def make(self, *_arguments: Any) -> Any:
        raise AssertionError


@pytest.fixture(scope="module")
def read_addresses(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Of the OpenAPI document."""
    folder = tmp_path_factory.mktemp("nothing")
    url = f"sqlite:///{folder}/empty.sqlite3"
    database = Database(url)
    parts = Parts(
        configuration=Configuration(data_folder=folder, database_url=url),
        database=database,
        bus=MemoryBus(),
        recording_maker=Nothing(),
        relay_ids=("relay-1",),
    )
    paths = create_application(parts).openapi()["paths"]
    database.close()
    return {path for path, ways in paths.items() if "get" in ways}


def asked() -> set[str]:
    at = Places(**{field.name: field.name for field in fields(Places)})
    return {address.partition("?")[0] for addresses in PEOPLE.values() for _name, address in addresses(at)}


def addresses_of(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))


def test_every_address_that_is_read_is_measured_or_its_absence_explained(read_addresses: set[str]) -> None:
    templates = sorted(read_addresses, key=lambda path: path.count("{"))
    measured = {next((path for path in templates if addresses_of(path).fullmatch(one)), one) for one in asked()}
    assert measured <= read_addresses, "the benchmark asks for what does not exist"
    assert measured & NOT_ASKED.keys() == set(), "measured, though it is said not to be"
    missing = read_addresses - measured - NOT_ASKED.keys()
    assert not missing, "add them to addresses.py, or to its NOT_ASKED with the reason"
    assert NOT_ASKED.keys() <= read_addresses


def test_an_address_that_is_not_listed_would_be_found() -> None:
    assert addresses_of("/api/lessons/{lesson_id}/lines").fullmatch("/api/lessons/lesson/lines")
    assert not addresses_of("/api/lessons/{lesson_id}").fullmatch("/api/lessons/lesson/lines")
    assert addresses_of("/api/calendars/{kind}/{target_id}.ics").fullmatch("/api/calendars/school/x.ics")
