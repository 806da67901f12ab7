"""What looking at a file brought to light: its faults, and the changes it would make."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from json import dumps
from typing import Literal

from service.exchange.faults import Fault

Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class FieldChange:
    """One field, as stored before (None: nothing) and after."""

    field: str
    before: Scalar
    after: Scalar


@dataclass(frozen=True)
class Change:
    """What one row creates or updates; `name` says what, in words of the file."""

    action: Literal["create", "update"]
    kind: str
    sheet: str
    row: int
    name: str
    fields: Sequence[FieldChange]


MOST_SHOWN = 1000
"""Faults and changes given in full; the totals count all."""


@dataclass(frozen=True)
class Count:
    """How many rows of one kind of table do what."""

    kind: str
    rows: int
    created: int
    updated: int
    unchanged: int


@dataclass(frozen=True)
class Summary:
    """Findings as they are told: the first faults and changes, and how many there are; `digest` stands for them all."""

    faults: Sequence[Fault]
    fault_total: int
    error_total: int
    changes: Sequence[Change]
    change_total: int
    counts: Sequence[Count]
    digest: str


@dataclass
class Findings:
    """Faults and changes in the order of the file."""

    faults: list[Fault] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)
    claimed: dict[tuple[str | int, ...], int] = field(default_factory=dict)
    """What rows are about, by kind and identity, and which row said so first."""

    @property
    def errors(self) -> list[Fault]:
        """The faults that forbid applying."""
        return [fault for fault in self.faults if not fault.is_warning]

    def summary(self) -> Summary:
        """What is told of it."""
        done = Counter((change.kind, change.action) for change in self.changes)
        counts = [
            Count(kind, rows, done[kind, "create"], done[kind, "update"], self.unchanged[kind])
            for kind, rows in self.rows.items()
            if rows
        ]
        return Summary(
            faults=self.faults[:MOST_SHOWN],
            fault_total=len(self.faults),
            error_total=len(self.errors),
            changes=self.changes[:MOST_SHOWN],
            change_total=len(self.changes),
            counts=counts,
            digest=self.digest(),
        )

    def digest(self) -> str:
        """A fingerprint of the changes: equal exactly if the same would be done."""
        plain = [
            [c.action, c.kind, c.sheet, c.row, c.name, [[f.field, f.before, f.after] for f in c.fields]]
            for c in self.changes
        ]
        return sha256(dumps(plain, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()
