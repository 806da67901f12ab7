"""The roles people have, what each may do, and which roles may grant which."""

from enum import StrEnum


class Role(StrEnum):
    """What a person is in the deployment; rights reach as far as the person's organisation subtree."""

    SYSTEM_ADMINISTRATOR = "system_administrator"
    PREFECTURE_ADMINISTRATOR = "prefecture_administrator"
    COUNTY_ADMINISTRATOR = "county_administrator"
    SCHOOL_ADMINISTRATOR = "school_administrator"
    TEACHER = "teacher"
    RESEARCHER = "researcher"
    INSPECTOR = "inspector"


ADMINISTRATORS = frozenset(
    {
        Role.SYSTEM_ADMINISTRATOR,
        Role.PREFECTURE_ADMINISTRATOR,
        Role.COUNTY_ADMINISTRATOR,
        Role.SCHOOL_ADMINISTRATOR,
    }
)

_RANK = {
    Role.SYSTEM_ADMINISTRATOR: 4,
    Role.PREFECTURE_ADMINISTRATOR: 3,
    Role.COUNTY_ADMINISTRATOR: 2,
    Role.SCHOOL_ADMINISTRATOR: 1,
    Role.TEACHER: 0,
    Role.RESEARCHER: 0,
    Role.INSPECTOR: 0,
}

_PLACES = {
    Role.PREFECTURE_ADMINISTRATOR: frozenset({"nation", "province", "prefecture"}),
    Role.COUNTY_ADMINISTRATOR: frozenset({"county"}),
    Role.SCHOOL_ADMINISTRATOR: frozenset({"school"}),
    Role.TEACHER: frozenset({"school"}),
}

_ADMINISTRATION = frozenset(
    {"users.manage", "rooms.manage", "classes.manage", "lessons.book", "usage.read", "connections.test"}
)

PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.SYSTEM_ADMINISTRATOR: _ADMINISTRATION | {"organisations.manage", "terms.manage", "plans.manage"},
    Role.PREFECTURE_ADMINISTRATOR: _ADMINISTRATION | {"organisations.manage", "terms.manage", "plans.manage"},
    Role.COUNTY_ADMINISTRATOR: _ADMINISTRATION | {"organisations.manage", "terms.manage", "plans.manage"},
    Role.SCHOOL_ADMINISTRATOR: _ADMINISTRATION,
    Role.TEACHER: frozenset({"lessons.book", "usage.read", "connections.test"}),
    Role.RESEARCHER: frozenset({"lessons.observe", "connections.test"}),
    Role.INSPECTOR: frozenset({"lessons.observe", "usage.read", "connections.test"}),
}
"""What each role may do inside its subtree; names the web shows or hides things by. The service checks again."""


def may_manage(manager: Role, subject: Role) -> bool:
    """Whether `manager` may grant `subject` to somebody, or change an account that has it.

    Only what ranks strictly below, so that no administrator can take over a peer; the system administrator may all.
    """
    if manager is Role.SYSTEM_ADMINISTRATOR:
        return True
    return manager in ADMINISTRATORS and _RANK[subject] < _RANK[manager]


def may_work_at(role: Role, kind: str) -> bool:
    """Whether a person with `role` can belong to an organisation of this kind."""
    return kind in _PLACES.get(role, frozenset({kind}))
