"""The demonstration county: built once, with secrets of its own, by the rules for everybody."""

import stat
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from service.accounts.people import create_first_administrator
from service.accounts.roles import Role
from service.accounts.tables import User
from service.configuration import ConfigurationError
from service.demo.county import present_term
from service.demo.credentials import FILE_NAME
from service.demo.demonstration import prepare_county
from service.demo.live_lesson import find_cast
from service.demo.timetable import fill_timetable
from service.lessons.tables import Lesson
from service.organisation.tables import Organisation
from service.parts import Parts
from service.rooms.tables import Room
from service.security.passwords import verify_password


def count(parts: Parts, table: type[Any], *conditions: Any) -> int:
    with parts.database.reading() as session:
        return session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0


def test_the_county_has_what_a_newcomer_wants_to_see(parts: Parts) -> None:
    credentials = prepare_county(parts)
    fill_timetable(parts)
    assert {account.role for account in credentials.accounts} == set(Role)
    assert count(parts, Organisation, Organisation.kind == "county") == 2
    assert count(parts, Organisation, Organisation.kind == "school") == 12
    assert count(parts, Room) == 30
    assert count(parts, Lesson, Lesson.state == "booked") > 20
    cast = find_cast(parts)
    assert len(set(cast.room_ids)) == 4 == len(credentials.device_tokens)


def test_each_account_signs_in_and_invented_people_do_not(parts: Parts) -> None:
    credentials = prepare_county(parts)
    with parts.database.reading() as session:
        users = {user.username: user for user in session.scalars(select(User))}
    for account in credentials.accounts:
        assert users[account.username].role == account.role
        assert verify_password(account.password, users[account.username].password_hash)
    assert users["teacher007"].password_hash == ""


def test_a_second_start_keeps_everything(parts: Parts, clock: Any) -> None:
    first = prepare_county(parts)
    fill_timetable(parts)
    before = [count(parts, table) for table in (User, Room, Lesson)]
    clock.advance(minutes=5)
    assert prepare_county(parts) == first
    fill_timetable(parts)
    assert [count(parts, table) for table in (User, Room, Lesson)] == before


def test_a_start_a_week_later_fills_the_new_week(parts: Parts, clock: Any) -> None:
    prepare_county(parts)
    fill_timetable(parts)
    before = count(parts, Lesson)
    clock.advance(days=7)
    fill_timetable(parts)
    assert count(parts, Lesson) > before


def test_only_the_owner_reads_the_passwords(parts: Parts, tmp_path: Path) -> None:
    prepare_county(parts)
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


def test_somebody_elses_installation_is_left_alone(parts: Parts) -> None:
    with parts.database.unit_of_work() as session:
        create_first_administrator(
            session,
            username="real",
            password_hash="",
            display_name="Real",
            organisation_name="Real",
            organisation_kind="prefecture",
            locale="en",
            now=parts.clock.now(),
        )
    with pytest.raises(ConfigurationError, match="--no-demo"):
        prepare_county(parts)
    assert count(parts, User) == 1


def test_a_broken_secrets_file_is_named(parts: Parts, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("{")
    with pytest.raises(ConfigurationError, match=FILE_NAME):
        prepare_county(parts)


@pytest.mark.parametrize(
    ("day", "first", "last"),
    [
        ("2026-09-01", "2026-09-01", "2027-01-24"),
        ("2027-01-15", "2026-09-01", "2027-01-24"),
        ("2027-03-01", "2027-02-20", "2027-07-12"),
        ("2026-08-10", "2026-09-01", "2027-01-24"),
    ],
)
def test_there_is_a_term_at_any_time_of_the_year(day: str, first: str, last: str) -> None:
    from datetime import date

    _, starts_on, ends_on = present_term(date.fromisoformat(day))
    assert (starts_on.isoformat(), ends_on.isoformat()) == (first, last)
