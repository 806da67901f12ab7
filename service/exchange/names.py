"""Finding things by what people call them: as written, else by the form names are compared in."""

from collections import defaultdict
from typing import Generic, TypeVar

from service.exchange.wording import clean_text, name_key

Item = TypeVar("Item")


class AmbiguousName(Exception):  # noqa: N818 - it says what is the case
    """Several things have this name."""


class Names(Generic[Item]):
    """Things by scope (the school they belong to, "" where there is none) and name."""

    def __init__(self) -> None:
        self._written: dict[tuple[str, str], list[Item]] = defaultdict(list)
        self._keyed: dict[tuple[str, str], list[Item]] = defaultdict(list)

    def add(self, scope: str, name: str, item: Item) -> None:
        """Make `item` known by this name too."""
        self._written[scope, name].append(item)
        self._keyed[scope, name_key(name)].append(item)

    def remove(self, scope: str, name: str, item: Item) -> None:
        """Forget this name of `item`."""
        self._written[scope, name].remove(item)
        self._keyed[scope, name_key(name)].remove(item)

    def find(self, scope: str, name: str) -> Item | None:
        """The one thing of this name. Raises AmbiguousName."""
        for found in (
            self._written.get((scope, name)),
            self._written.get((scope, clean_text(name))),
            self._keyed.get((scope, name_key(name))),
        ):
            if found:
                if len(found) > 1:
                    raise AmbiguousName
                return found[0]
        return None
