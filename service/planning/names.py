"""The names people know things by, for the ids a plan speaks of."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.accounts.tables import User
from service.organisation.tables import Organisation, SchoolClass
from service.planning.calendars import in_batches
from service.rooms.tables import Room


@dataclass
class Names:
    """Names by id; an id that is no longer known is its own name."""

    organisations: dict[str, str] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    rooms: dict[str, str] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=dict)

    def any(self, identity: str) -> str:
        """The name of whatever has this id."""
        for known in (self.users, self.organisations, self.classes, self.rooms):
            if identity in known:
                return known[identity]
        return identity


def load_names(
    session: Session,
    *,
    organisations: Iterable[str] = (),
    users: Iterable[str] = (),
    rooms: Iterable[str] = (),
    classes: Iterable[str] = (),
) -> Names:
    """Names of these ids, in few queries."""
    names = Names()
    for some in in_batches(organisations):
        found = session.execute(select(Organisation.id, Organisation.name).where(Organisation.id.in_(some)))
        names.organisations |= {row.id: row.name for row in found}
    for some in in_batches(users):
        found = session.execute(select(User.id, User.display_name).where(User.id.in_(some)))
        names.users |= {row.id: row.display_name for row in found}
    for some in in_batches(rooms):
        found = session.execute(select(Room.id, Room.name).where(Room.id.in_(some)))
        names.rooms |= {row.id: row.name for row in found}
    for some in in_batches(classes):
        found = session.execute(select(SchoolClass.id, SchoolClass.name).where(SchoolClass.id.in_(some)))
        names.classes |= {row.id: row.name for row in found}
    return names
