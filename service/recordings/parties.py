"""The parties of a recording: whose school speaks for them, and whether their tracks are released."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.accounts.roles import Role
from service.accounts.tables import User
from service.organisation.tables import Organisation
from service.recordings.access import is_kept_apart, released_parties
from service.recordings.tables import Recording, RecordingStream
from service.rooms.tables import Room


@dataclass(frozen=True)
class RecordedParty:
    """Somebody who is in a recording; `school` is None when room or person are gone."""

    party_id: str
    name: str
    role: str
    school: Organisation | None
    kept_apart: bool
    released: bool

    def may_release(self, person: Person) -> bool:
        """An administrator of the party's own school, and nobody above: the school knows whose children they are."""
        return (
            self.kept_apart
            and self.school is not None
            and person.role is Role.SCHOOL_ADMINISTRATOR
            and person.organisation_id == self.school.id
        )

    def may_withdraw(self, person: Person) -> bool:
        """Whoever may release it, and every administrator above: taking back is never the greater risk."""
        return self.may_release(person) or (
            self.school is not None and person.is_administrator and person.may_see(self.school.path)
        )


def recorded_parties(session: Session, recording: Recording) -> list[RecordedParty]:
    """Everybody in the recording, in the order of its files."""
    released = released_parties(session, recording.lesson_id)
    first: dict[str, RecordingStream] = {}
    for stream in recording.streams:
        first.setdefault(stream.party_id, stream)
    schools = _schools(session, list(first))
    return [
        RecordedParty(
            party_id=party_id,
            name=stream.party_name,
            role=stream.role,
            school=schools.get(party_id),
            kept_apart=is_kept_apart(stream),
            released=party_id in released,
        )
        for party_id, stream in first.items()
    ]


def _schools(session: Session, party_ids: list[str]) -> dict[str, Organisation]:
    rooms = {party_id.partition(":")[2]: party_id for party_id in party_ids if party_id.startswith("room:")}
    users = {party_id.partition(":")[2]: party_id for party_id in party_ids if party_id.startswith("user:")}
    found: dict[str, Organisation] = {}
    of_rooms = select(Room.id, Organisation).join(Organisation, Organisation.id == Room.organisation_id)
    of_users = select(User.id, Organisation).join(Organisation, Organisation.id == User.organisation_id)
    for identity, school in session.execute(of_rooms.where(Room.id.in_(rooms))):
        found[rooms[identity]] = school
    for identity, school in session.execute(of_users.where(User.id.in_(users))):
        found[users[identity]] = school
    return found
