"""Builds the demonstration county: organisations, people, rooms, classes, bells and the present term."""

from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy.orm import Session

from service.accounts.people import create_user
from service.accounts.roles import Role
from service.accounts.tables import User
from service.demo.credentials import USERNAMES, DemoCredentials
from service.demo.names import (
    BELLS,
    COUNTIES,
    LIVE_RECEIVERS,
    LIVE_ROOM,
    LIVE_SCHOOL,
    OWN_BELLS,
    PREFECTURE,
    School,
    person_name,
)
from service.organisation.bells import replace_bells
from service.organisation.classes import add_class
from service.organisation.tables import Organisation
from service.organisation.terms import add_term
from service.organisation.tree import add_organisation
from service.rooms.rooms import add_room
from service.rooms.tables import Device, Room
from service.security.tokens import hash_token

NO_PASSWORD = ""
"""Matches no password: people who only appear in timetables cannot sign in."""


@dataclass
class Builder:
    """What is built so far, by name."""

    session: Session
    now: datetime
    hashes: dict[Role, str]
    locale: str
    people: int = 0
    schools: dict[str, Organisation] = field(default_factory=dict)
    rooms: dict[tuple[str, str], Room] = field(default_factory=dict)

    def build(self, credentials: DemoCredentials) -> None:
        """Everything, into an empty database."""
        prefecture = add_organisation(self.session, None, PREFECTURE, "prefecture", self.now)
        self._set_bells(prefecture, BELLS)
        name, starts_on, ends_on = present_term(self.now.date())
        add_term(self.session, prefecture, name, starts_on, ends_on)
        self._account(Role.SYSTEM_ADMINISTRATOR, prefecture)
        self._account(Role.PREFECTURE_ADMINISTRATOR, prefecture)
        for county_name, schools in COUNTIES.items():
            county = add_organisation(self.session, prefecture, county_name, "county", self.now)
            self._set_bells(county, OWN_BELLS.get(county_name, ()))
            for school in schools:
                self._school(school, county)
        self._county_accounts(self.schools[LIVE_SCHOOL])
        self._pair(credentials)

    def _county_accounts(self, school: Organisation) -> None:
        county = self.session.get_one(Organisation, school.parent_id)
        for role in (Role.COUNTY_ADMINISTRATOR, Role.RESEARCHER, Role.INSPECTOR):
            self._account(role, county)
        for role in (Role.SCHOOL_ADMINISTRATOR, Role.TEACHER):
            self._account(role, school)

    def _school(self, school: School, county: Organisation) -> None:
        node = add_organisation(self.session, county, school.name, "school", self.now)
        self.schools[school.name] = node
        for name in (*school.lead_rooms, *school.rooms):
            room = add_room(self.session, node, name, name in school.lead_rooms, self.now)
            room.recording_consent = "granted"
            self.rooms[school.name, name] = room
        for grade in school.grades:
            for number in (1, 2) if len(school.lead_rooms) > 1 else (1,):
                add_class(
                    self.session, node, f"{'一二三四五六七八九'[grade - 1]}年级{number}班", f"grade_{grade}", self.now
                )
        for _ in range(school.teachers):
            self._person(f"teacher{self.people:03d}", NO_PASSWORD, Role.TEACHER, node)

    def _account(self, role: Role, node: Organisation) -> User:
        return self._person(USERNAMES[role], self.hashes[role], role, node)

    def _person(self, username: str, password_hash: str, role: Role, node: Organisation) -> User:
        self.people += 1
        return create_user(
            self.session,
            username=username,
            password_hash=password_hash,
            display_name=person_name(self.people),
            role=role,
            organisation=node,
            locale=self.locale,
            now=self.now,
        )

    def _set_bells(self, node: Organisation, bells: tuple[tuple[str, str], ...]) -> None:
        replace_bells(self.session, node, [(number, *times) for number, times in enumerate(bells, 1)])

    def _pair(self, credentials: DemoCredentials) -> None:
        places = ((LIVE_SCHOOL, LIVE_ROOM), *LIVE_RECEIVERS)
        for place, token in zip(places, credentials.device_tokens, strict=True):
            self.session.add(Device(room_id=self.rooms[place].id, token_hash=hash_token(token), paired_at=self.now))


def present_term(today: date) -> tuple[str, date, date]:
    """Name, first and last day of the school term `today` lies in or next to."""
    if 2 <= today.month <= 7:
        return f"{today.year - 1}—{today.year}学年第二学期", date(today.year, 2, 20), date(today.year, 7, 12)
    first = today.year if today.month >= 8 else today.year - 1
    return f"{first}—{first + 1}学年第一学期", date(first, 9, 1), date(first + 1, 1, 24)
