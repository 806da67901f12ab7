"""What exists in an administrator's subtree and what the file adds to it, found by the names a file uses.

Rows change the database's own objects: within a reading session that is a dry run, within a unit of work it is real.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, contains_eager

from service.accounts.principal import Person
from service.accounts.tables import User
from service.accounts.usernames import username_key
from service.exchange.names import Names
from service.exchange.tables import SchoolCode, StaffNumber
from service.exchange.wording import name_key
from service.organisation.tables import Organisation, Period, SchoolClass, Term
from service.organisation.tree import ancestor_ids, in_subtree
from service.planning.tables import (
    ClassPeriod,
    Demand,
    LeadSeries,
    LeadTeacher,
    Pact,
    SchoolCapacity,
    SeasonPeriod,
    SpecialDay,
)
from service.rooms.tables import Room
from service.storage.base import Base

if TYPE_CHECKING:
    from service.exchange.rows import Row


class Register:
    """Everything an import may refer to; `writes` says whether what it adds is meant to stay."""

    def __init__(self, session: Session, person: Person, now: datetime, locale: str, *, writes: bool) -> None:
        self.session = session
        self.person = person
        self.now = now
        self.locale = locale
        self._writes = writes
        self._new: list[Base] = []
        self._doubtful: set[tuple[str, str]] = set()

    def add(self, entity: Base) -> None:
        """Keep something new."""
        self._new.append(entity)

    def doubt(self, kind: str, name: str) -> None:
        """Remember the name of something whose own row has a mistake."""
        self._doubtful.add((kind, name_key(name)))

    def is_doubtful(self, kind: str, name: str) -> bool:
        """Whether something of this name stands in the file, in a row with a mistake."""
        return (kind, name_key(name)) in self._doubtful

    def settle(self) -> None:
        """Write what was added and changed so far, each table after those it refers to; nothing in a dry run."""
        if not self._writes:
            return
        waiting: dict[object, list[Base]] = defaultdict(list)
        for entity in self._new:
            waiting[entity.__table__].append(entity)
        for table in Base.metadata.sorted_tables:
            if table in waiting:
                self.session.add_all(waiting[table])
                self.session.flush()
        self._new.clear()
        self.session.flush()

    def remove(self, entity: object) -> None:
        """Delete something that existed."""
        if self._writes:
            self.session.delete(entity)

    @cached_property
    def organisations(self) -> dict[str, Organisation]:
        """The subtree by id."""
        rows = self.session.scalars(select(Organisation).where(in_subtree(self.person.organisation_path)))
        return {row.id: row for row in rows}

    @cached_property
    def above(self) -> dict[str, Organisation]:
        """What stands above the subtree, which an import names but never changes."""
        ids = ancestor_ids(self.person.organisation_path)[:-1]
        return {row.id: row for row in self.session.scalars(select(Organisation).where(Organisation.id.in_(ids)))}

    @cached_property
    def places(self) -> Names[Organisation]:
        """What schools can stand below, by name."""
        names: Names[Organisation] = Names()
        for node in (*self.organisations.values(), *self.above.values()):
            if node.kind != "school":
                names.add("", node.name, node)
        return names

    @cached_property
    def schools(self) -> Names[Organisation]:
        """Schools by name, and by name within the id of what they stand below."""
        names: Names[Organisation] = Names()
        for node in self.organisations.values():
            if node.kind == "school":
                names.add("", node.name, node)
                names.add(node.parent_id or "-", node.name, node)
        return names

    def rename_school(self, school: Organisation, name: str) -> None:
        """Give a school another name, here and in the index."""
        for scope in ("", school.parent_id or "-"):
            self.schools.remove(scope, school.name, school)
            self.schools.add(scope, name, school)
        school.name = name

    def add_school(self, school: Organisation) -> None:
        """Keep a new school."""
        for scope in ("", school.parent_id or "-"):
            self.schools.add(scope, school.name, school)
        self.organisations[school.id] = school
        self.add(school)

    @cached_property
    def codes(self) -> dict[str, SchoolCode]:
        """Every school's code of the deployment by its key: a code is taken wherever its school is."""
        return {row.code_key: row for row in self.session.scalars(select(SchoolCode))}

    @cached_property
    def code_of(self) -> dict[str, SchoolCode]:
        """Codes by school id."""
        return {row.organisation_id: row for row in self.codes.values()}

    def school_by_code(self, code: str) -> Organisation | None:
        """The school of one's own subtree that has this code."""
        row = self.codes.get(name_key(code))
        return self.organisations.get(row.organisation_id) if row else None

    @cached_property
    def capacities(self) -> dict[str, SchoolCapacity]:
        """Capacities by school id."""
        rows = self.session.scalars(select(SchoolCapacity))
        return {row.organisation_id: row for row in rows if row.organisation_id in self.organisations}

    @cached_property
    def every_room(self) -> Sequence[Room]:
        """The rooms of the subtree that the database knows."""
        return self.session.scalars(select(Room).join(Room.school).where(self.below)).all()

    @cached_property
    def every_class(self) -> Sequence[SchoolClass]:
        """The classes of the subtree that the database knows."""
        statement = select(SchoolClass).join(SchoolClass.school).options(contains_eager(SchoolClass.school))
        return self.session.scalars(statement.where(self.below)).all()

    @cached_property
    def rooms(self) -> Names[Room]:
        """Rooms by school id and name."""
        names: Names[Room] = Names()
        for room in self.every_room:
            names.add(room.organisation_id, room.name, room)
        return names

    @cached_property
    def classes(self) -> Names[SchoolClass]:
        """Classes by "school id/grade" and name, and by school id and name."""
        names: Names[SchoolClass] = Names()
        for row in self.every_class:
            names.add(f"{row.organisation_id}/{row.grade}", row.name, row)
            names.add(row.organisation_id, row.name, row)
        return names

    @cached_property
    def users(self) -> dict[str, User]:
        """Everybody of the deployment by the key of the username: a name is taken wherever its owner is."""
        return {user.username_key: user for user in self.session.scalars(select(User))}

    @cached_property
    def teachers(self) -> Names[User]:
        """Teachers of the subtree by school id and name."""
        names: Names[User] = Names()
        for user in self.users.values():
            if user.role == "teacher" and self.person.may_see(user.organisation.path):
                names.add(user.organisation_id, user.display_name, user)
        return names

    @cached_property
    def staff_numbers(self) -> dict[str, StaffNumber]:
        """Staff numbers by user id."""
        return {row.user_id: row for row in self.session.scalars(select(StaffNumber))}

    @cached_property
    def staff(self) -> dict[str, list[User]]:
        """People of the subtree by the key of their staff number."""
        by_id = {user.id: user for user in self.users.values()}
        found: dict[str, list[User]] = defaultdict(list)
        for row in self.staff_numbers.values():
            user = by_id[row.user_id]
            if self.person.may_see(user.organisation.path):
                found[name_key(row.number)].append(user)
        return found

    def user_of(self, username: str) -> User | None:
        """Anybody of the deployment."""
        return self.users.get(username_key(username))

    @cached_property
    def lead_teachers(self) -> dict[str, LeadTeacher]:
        """Weekly limits by user id."""
        return {row.user_id: row for row in self.session.scalars(select(LeadTeacher))}

    @cached_property
    def class_periods(self) -> dict[tuple[str, int], dict[int, ClassPeriod]]:
        """Timetables: by class id and weekday, the hours by period."""
        found: dict[tuple[str, int], dict[int, ClassPeriod]] = defaultdict(dict)
        mine = select(SchoolClass.id).join(SchoolClass.school).where(self.below)
        for row in self.session.scalars(select(ClassPeriod).where(ClassPeriod.class_id.in_(mine))):
            found[row.class_id, row.weekday][row.period] = row
        return found

    @cached_property
    def bells(self) -> dict[str, set[int]]:
        """The numbers of the periods that organisations ring themselves."""
        found: dict[str, set[int]] = defaultdict(set)
        for node, number in self.session.execute(select(Period.organisation_id, Period.number)):
            found[node].add(number)
        for node, number in self.session.execute(select(SeasonPeriod.organisation_id, SeasonPeriod.number)):
            found[node].add(number)
        return found

    @cached_property
    def own_bells(self) -> dict[tuple[str, date | None], dict[int, Period | SeasonPeriod]]:
        """Periods of organisations' own bells by number: those that ring from a day on, and before the first (None)."""
        found: dict[tuple[str, date | None], dict[int, Period | SeasonPeriod]] = defaultdict(dict)
        for row in self.session.scalars(select(Period)):
            found[row.organisation_id, None][row.number] = row
        for season in self.session.scalars(select(SeasonPeriod)):
            found[season.organisation_id, season.from_day][season.number] = season
        return found

    @cached_property
    def rung(self) -> dict[tuple[str, date | None], "Row"]:
        """Which bells the file touches, and the last row that did."""
        return {}

    @cached_property
    def terms(self) -> dict[str, list[Term]]:
        """Terms by organisation."""
        found: dict[str, list[Term]] = defaultdict(list)
        for term in self.session.scalars(select(Term)):
            found[term.organisation_id].append(term)
        return found

    @cached_property
    def special_days(self) -> dict[tuple[str, date], SpecialDay]:
        """Holidays and make-up days by organisation and date."""
        return {(row.organisation_id, row.day): row for row in self.session.scalars(select(SpecialDay))}

    def periods_of(self, school: Organisation) -> set[int]:
        """The periods a school's day has; none where nobody has set bells."""
        for identity in reversed(ancestor_ids(school.path)):
            if self.bells.get(identity):
                return self.bells[identity]
        return set()

    @cached_property
    def series(self) -> Names[LeadSeries]:
        """Lead series by school id and code."""
        names: Names[LeadSeries] = Names()
        for row in self.session.scalars(select(LeadSeries).join(LeadSeries.school).where(self.below)):
            names.add(row.organisation_id, row.code, row)
        return names

    @cached_property
    def demands(self) -> dict[tuple[str, str], Demand]:
        """Demands by class id and subject."""
        mine = select(SchoolClass.id).join(SchoolClass.school).where(self.below)
        rows = self.session.scalars(select(Demand).where(Demand.class_id.in_(mine)))
        return {(row.class_id, row.subject): row for row in rows}

    @cached_property
    def pacts(self) -> dict[tuple[str, str], Pact]:
        """Pacts by the two schools' ids, the lesser first."""
        return {(row.one_id, row.other_id): row for row in self.session.scalars(select(Pact))}

    @property
    def below(self) -> ColumnElement[bool]:
        """The condition that an organisation lies in the subtree."""
        return in_subtree(self.person.organisation_path)
