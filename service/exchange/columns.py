"""The columns of importable sheets: their headers in both languages, their synonyms, and what their cells must hold."""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from service.exchange.cells import Value

Choices = Mapping[str, Mapping[str, str]]
"""Stored value -> {"zh": word, "en": word}."""


@dataclass(frozen=True)
class Column:
    """One column. `read` turns a cell that is not empty into a value or raises Misread."""

    name: str
    zh: str
    en: str
    read: Callable[[Value], Any]
    example: str | int | float = ""
    required: bool = False
    synonyms: tuple[str, ...] = ()
    choices: Choices = field(default_factory=dict)
    hint_zh: str = ""
    hint_en: str = ""
    in_template: bool = True
    width: int = 16

    def header(self, locale: str) -> str:
        """The header as templates and exports write it."""
        return self.en if locale == "en" else self.zh

    @property
    def keys(self) -> frozenset[str]:
        """Every accepted header in the form headers are compared in."""
        return frozenset(header_key(name) for name in (self.zh, self.en, self.name, *self.synonyms))


@dataclass(frozen=True)
class SheetKind:
    """One kind of table that can be imported and exported."""

    kind: str
    zh: str
    en: str
    columns: tuple[Column, ...]
    synonyms: tuple[str, ...] = ()

    def title(self, locale: str) -> str:
        """The name of the sheet as templates and exports write it."""
        return self.en if locale == "en" else self.zh

    @property
    def names(self) -> frozenset[str]:
        """Every accepted name of the sheet in the form names are compared in."""
        return frozenset(header_key(name) for name in (self.zh, self.en, self.kind, *self.synonyms))

    def column(self, name: str) -> Column:
        """The column of a field. Raises KeyError."""
        return next(column for column in self.columns if column.name == name)

    def shown_columns(self) -> tuple[Column, ...]:
        """The columns of templates and exports."""
        return tuple(column for column in self.columns if column.in_template)


def header_key(text: str) -> str:
    """A header without what people add to it: width, case, spaces, underscores, marks of what is required."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character not in " \t\r\n_-*:：·")
