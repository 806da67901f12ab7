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

    def digest(self) -> str:
        """A fingerprint of the changes: equal exactly if the same would be done."""
        plain = [
            [c.action, c.kind, c.sheet, c.row, c.name, [[f.field, f.before, f.after] for f in c.fields]]
            for c in self.changes
        ]
        return sha256(dumps(plain, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()
