"""Sign-ups to a famous-school course or famous-teacher lesson: a quota, a waiting list, who moves up when one leaves.

The order of sign-ups decides, within what each group (a county) may have: the roster is a value, each step gives a
new one.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from scheduler.errors import SchedulerError

Place = Literal["seat", "waiting"]


class SignupError(SchedulerError, ValueError):
    """The sign-up cannot be: already on the list, not on it, or a quota that cannot be."""


@dataclass(frozen=True, slots=True)
class Roster:
    """Those signed up, first come first; the first `quota` have a seat, up to `waiting_limit` more wait.

    A group with an entry in `group_quotas` has that many seats at most: who would be above waits, and those behind of
    other groups go first.
    """

    quota: int
    waiting_limit: int
    signed_up: tuple[str, ...] = ()
    group_of: Mapping[str, str] = field(default_factory=dict)
    group_quotas: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.quota < 0 or self.waiting_limit < 0:
            raise SignupError(f"quota {self.quota} and waiting limit {self.waiting_limit} may not be negative")
        if len(set(self.signed_up)) != len(self.signed_up):
            raise SignupError("someone is signed up twice")
        if len(self.waiting) > self.waiting_limit:
            raise SignupError(
                f"{len(self.signed_up)} are signed up for {self.quota} seats, {self.waiting_limit} waiting"
            )

    @property
    def seated(self) -> tuple[str, ...]:
        """Those with a seat, in order."""
        if not self.group_quotas:
            return self.signed_up[: self.quota]
        seated: list[str] = []
        taken: Counter[str] = Counter()
        for one in self.signed_up:
            group = self.group_of.get(one, "")
            if len(seated) < self.quota and taken[group] < self.group_quotas.get(group, self.quota):
                seated.append(one)
                taken[group] += 1
        return tuple(seated)

    @property
    def waiting(self) -> tuple[str, ...]:
        """Those on the waiting list, next first."""
        seated = set(self.seated)
        return tuple(one for one in self.signed_up if one not in seated)

    def place_of(self, who: str) -> Place | None:
        """Whether someone has a seat, waits, or is not on the list."""
        if who in self.seated:
            return "seat"
        return "waiting" if who in self.waiting else None


@dataclass(frozen=True, slots=True)
class Step:
    """A new roster, and who got a seat or lost it by the step: they are told."""

    roster: Roster
    seated: tuple[str, ...] = ()
    unseated: tuple[str, ...] = ()


def sign_up(roster: Roster, who: str) -> Step:
    """Puts someone at the end. Raises SignupError if they are on the list or seats and waiting list are full."""
    if who in roster.signed_up:
        raise SignupError(f"{who} is signed up already")
    try:
        after = replace(roster, signed_up=(*roster.signed_up, who))
    except SignupError:
        raise SignupError("all seats are taken and the waiting list is full") from None
    return _step(roster, after)


def withdraw(roster: Roster, who: str) -> Step:
    """Takes someone off; the first who waits moves up. Raises SignupError if they are not on the list."""
    if who not in roster.signed_up:
        raise SignupError(f"{who} is not signed up")
    return _step(roster, replace(roster, signed_up=tuple(one for one in roster.signed_up if one != who)))


def change_quota(roster: Roster, quota: int) -> Step:
    """More seats let the waiting move up; fewer send the last seated back to the front of the waiting list.

    Raises SignupError if then more would wait than may.
    """
    return _step(roster, replace(roster, quota=quota))


def _step(before: Roster, after: Roster) -> Step:
    seated = tuple(one for one in after.seated if one not in before.seated)
    unseated = tuple(one for one in before.seated if one not in after.seated and one in after.signed_up)
    return Step(after, seated, unseated)
