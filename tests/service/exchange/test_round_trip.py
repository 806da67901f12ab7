"""Whatever names a county uses: what is exported, imported again, changes nothing; and names survive files."""

import io
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from service.exchange.csv_reading import read_csv
from service.exchange.opening import open_tables
from service.exchange.sheets import BY_KIND, SHEETS
from service.exchange.weekly_times import times, write_times
from service.exchange.wording import clean_text, escape, is_printable, name_key, unescape
from service.exchange.writing import write_csv, write_workbook

# What the pages accept as a name: shown characters without spaces around them.
NAMES = (
    st.text(st.characters(exclude_categories=("Cc", "Cs", "Co", "Cn", "Zl", "Zp"), max_codepoint=0xFFFF), max_size=12)
    .map(str.strip)
    .filter(lambda name: bool(name) and bool(clean_text(name)) and is_printable(name))
)
HOURS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(1, 30), st.sampled_from(["every", "odd", "even"])),
    min_size=1,
    max_size=8,
    unique_by=lambda hour: hour[:2],
)


@settings(deadline=None)
@given(name=NAMES | st.sampled_from(["=1", "'=1", "-1楼", "＋", "#1", "''", "@x", "'"]))
def test_a_name_survives_escaping_and_both_kinds_of_file(name: str) -> None:
    assert unescape(escape(name)) == name
    kind = BY_KIND["rooms"]
    with closing(write_csv(kind, [{"school": "甲", "name": name}], "zh-CN")) as file:
        assert read_csv(file.read()).lines[1].values[3] == name
    with closing(write_workbook([(kind, [{"school": "甲", "name": name}])], "zh-CN")) as file:
        (table,) = open_tables(file.read())
    assert table.lines[1].values[3] == name


@given(hours=HOURS, locale=st.sampled_from(["zh-CN", "en"]))
def test_hours_of_a_week_are_read_as_they_are_written(hours: list[tuple[int, int, str]], locale: str) -> None:
    assert list(times(write_times(hours, locale))) == sorted(hours)


@given(text=st.text(max_size=20))
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean_text(clean_text(text)) == clean_text(text)
    assert name_key(clean_text(text)) == name_key(text)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    schools=st.lists(NAMES, min_size=1, max_size=4, unique=True),
    rooms=st.lists(NAMES, min_size=1, max_size=4, unique=True),
)
def test_export_then_import_changes_nothing(county: Any, desk: Any, schools: list[str], rooms: list[str]) -> None:
    parent = uuid4().hex
    county.add_organisation(parent, "county", "prefecture")
    for number, name in enumerate(schools):
        county.add_organisation(f"{parent}/{number}", "school", parent, name)
        for room in rooms:
            county.add_room(room, f"{parent}/{number}")
    somebody = desk("prefecture")
    for form in ("xlsx", "csv"):
        for kind in ("schools", "rooms", "teachers"):
            report = somebody.upload(somebody.export(kind, format=form), kind)
            assert (report["faults"], report["changes"]) == ([], [])


def test_no_header_means_two_columns() -> None:
    for kind in SHEETS:
        seen: dict[str, str] = {}
        for column in kind.columns:
            for key in column.keys:
                assert seen.setdefault(key, column.name) == column.name, (kind.kind, key)


def test_no_sheet_name_means_two_kinds() -> None:
    names = [name for kind in SHEETS for name in kind.names]
    assert len(names) == len(set(names))


def test_a_workbook_opens_in_a_spreadsheet_library_without_complaint() -> None:
    with closing(write_workbook([(kind, []) for kind in SHEETS], "zh-CN", example=True)) as file:
        book = load_workbook(io.BytesIO(file.read()))
    assert book.sheetnames == ["_lists", *(kind.zh for kind in SHEETS)]


def test_every_header_and_synonym_is_documented() -> None:
    text = (Path(__file__).parents[3] / "service/exchange/README.md").read_text()
    for kind in SHEETS:
        for column in kind.columns:
            if not column.name.startswith("period_"):
                assert all(name in text for name in (column.zh, column.en, *column.synonyms)), column.name
