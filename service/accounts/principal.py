"""Who stands behind a request: a person or a room's device, as plain values that outlive the database session."""

from dataclasses import dataclass

from service.accounts.roles import ADMINISTRATORS, PERMISSIONS, Role


@dataclass(frozen=True)
class Person:
    """A signed-in person."""

    user_id: str
    username: str
    display_name: str
    role: Role
    organisation_id: str
    organisation_path: str
    organisation_kind: str
    locale: str
    session_id: str
    csrf_token: str
    must_change_password: bool = False
    """Whether the password was handed out and only serves to choose another."""

    @property
    def is_administrator(self) -> bool:
        """Whether the role is one of the four administrators."""
        return self.role in ADMINISTRATORS

    @property
    def permissions(self) -> frozenset[str]:
        """What the role may do within the subtree."""
        return PERMISSIONS[self.role]

    def may(self, permission: str) -> bool:
        """Whether the role carries this permission."""
        return permission in self.permissions

    def may_see(self, organisation_path: str) -> bool:
        """Whether an organisation lies in this person's subtree."""
        return organisation_path.startswith(self.organisation_path)


@dataclass(frozen=True)
class RoomDevice:
    """A paired device, speaking for its room."""

    device_id: str
    room_id: str
    room_name: str
    school_id: str
    school_name: str
    organisation_path: str

    def may_see(self, organisation_path: str) -> bool:
        """Whether an organisation lies in the room's own school."""
        return organisation_path.startswith(self.organisation_path)


Principal = Person | RoomDevice
