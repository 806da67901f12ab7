"""Readers of cells: what stands in a spreadsheet's cell as the value a column asks for, or a Misread that says why."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta

from service.accounts.usernames import check_username
from service.exchange.cells import Marked, Special, Value
from service.exchange.columns import Choices
from service.exchange.faults import FaultCode, Misread
from service.exchange.wording import clean_text, is_printable, name_key

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_YES = frozenset({"是", "yes", "y", "true", "t", "1", "有", "√", "✓", "可", "启用", "on"})
_NO = frozenset({"否", "no", "n", "false", "f", "0", "无", "×", "x", "不可", "停用", "off"})


def text_of(value: Value) -> str:
    """The cell as clean text: numbers as people write them, never "62290101.0". Raises Misread."""
    if isinstance(value, Marked):
        raise Misread(FaultCode.FORMULA if value.special is Special.FORMULA else FaultCode.CELL_ERROR)
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime | date | time | timedelta):
        raise Misread(FaultCode.BECAME_DATE)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return clean_text(str(value))


def text(longest: int) -> Callable[[Value], str]:
    """A reader of text of at most `longest` characters."""

    def read(value: Value) -> str:
        words = text_of(value)
        if len(words) > longest:
            raise Misread(FaultCode.TOO_LONG, most=longest)
        if not is_printable(words):
            raise Misread(FaultCode.UNPRINTABLE)
        return words

    return read


def number(lowest: int, highest: int) -> Callable[[Value], float]:
    """A reader of numbers from `lowest` to `highest`, whole or not; full-width digits and thousands commas are read."""

    def read(value: Value) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool):
            found = float(value)
        else:
            words = name_key(text_of(value)).replace(",", "")
            if not _NUMBER.fullmatch(words) or len(words) > 20:
                raise Misread(FaultCode.NOT_A_NUMBER, lowest=lowest, highest=highest)
            found = float(words)
        if not lowest <= found <= highest:
            raise Misread(FaultCode.OUT_OF_RANGE, lowest=lowest, highest=highest)
        return found

    return read


def whole_number(lowest: int, highest: int) -> Callable[[Value], int]:
    """A reader of whole numbers; 3.0 is one, as Excel keeps it."""
    read_number = number(lowest, highest)

    def read(value: Value) -> int:
        found = read_number(value)
        if not found.is_integer():
            raise Misread(FaultCode.NOT_A_NUMBER, lowest=lowest, highest=highest)
        return int(found)

    return read


def yes_or_no(value: Value) -> bool:
    """Read yes or no in the forms people tick tables with."""
    words = name_key(text_of(value))
    if words in _YES or words in _NO:
        return words in _YES
    raise Misread(FaultCode.NOT_YES_OR_NO)


def one_of(choices: Choices, synonyms: Mapping[str, str] | None = None) -> Callable[[Value], str]:
    """A reader of one of the choices by its word in either language, its stored value or a synonym."""
    known = {name_key(word): value for value, names in choices.items() for word in (*names.values(), value)}
    known.update({name_key(word): value for word, value in (synonyms or {}).items()})

    def read(value: Value) -> str:
        found = known.get(name_key(text_of(value)))
        if found is None:
            raise not_one_of(choices)
        return found

    return read


def not_one_of(choices: Choices) -> Misread:
    """What to raise for a word that is none of the choices: it names them in both languages."""
    return Misread(
        FaultCode.NOT_ONE_OF,
        choices_zh="、".join(names["zh"] for names in choices.values()),
        choices_en=", ".join(names["en"] for names in choices.values()),
    )


def username(value: Value) -> str:
    """Read a name to sign in with."""
    try:
        return check_username(text_of(value))
    except ValueError as error:
        raise Misread(FaultCode.BAD_USERNAME) from error
