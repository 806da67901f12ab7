"""Weekdays and hours of the week as people write them: "周一第3节；周三第4节（单周）", "Mon 3; Wed 4 odd"."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from service.exchange.cells import Value
from service.exchange.faults import FaultCode, Misread
from service.exchange.values import not_one_of, text_of
from service.exchange.wording import name_key

_SHORT = ("一", "二", "三", "四", "五", "六", "日")
_ENGLISH = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

WEEKDAYS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {str(day): {"zh": f"周{_SHORT[day]}", "en": _ENGLISH[day][:3]} for day in range(7)}
)
_OTHER_NAMES = {
    **{f"星期{short}": str(day) for day, short in enumerate(_SHORT)},
    **{f"礼拜{short}": str(day) for day, short in enumerate(_SHORT)},
    **{name: str(day) for day, name in enumerate(_ENGLISH)},
    **dict(zip(_SHORT, map(str, range(7)), strict=True)),
    "星期天": "6",
    "周天": "6",
}
_WEEKDAY_WORDS = {name_key(word): int(day) for word, day in _OTHER_NAMES.items()}
for _day, _names in WEEKDAYS.items():
    # Numbers count days as people do, from Monday = 1, not as they are stored.
    _WEEKDAY_WORDS.update({name_key(word): int(_day) for word in (_names["zh"], _names["en"], str(int(_day) + 1))})
_WEEKS = {"": "every", "单": "odd", "单周": "odd", "odd": "odd", "双": "even", "双周": "even", "even": "even"}
_TIME = re.compile(r"(?P<day>[^\d第()]+|[1-7](?=第))第?(?P<period>\d{1,2})节?\(?(?P<weeks>单周?|双周?|odd|even)?\)?")
_SEPARATORS = re.compile(r"[;；,，、\n/]+")

Time = tuple[int, int, str]
"""Weekday from 0 (Monday), period, "every" | "odd" | "even"."""

MOST_PERIOD = 30


def weekday(value: Value) -> int:
    """Read a day of the week; 1 is Monday, stored as 0."""
    found = _WEEKDAY_WORDS.get(name_key(text_of(value)))
    if found is None:
        raise not_one_of(WEEKDAYS)
    return found


def times(value: Value) -> tuple[Time, ...]:
    """Read the hours of a weekly series, in order."""
    found: set[Time] = set()
    for part in _SEPARATORS.split(text_of(value)):
        words = name_key(part)
        if words:
            found.add(_time(words))
    if not found:
        raise Misread(FaultCode.BAD_PERIODS)
    if len({(day, period) for day, period, _ in found}) < len(found):
        raise Misread(FaultCode.BAD_PERIODS)
    return tuple(sorted(found))


def _time(words: str) -> Time:
    match = _TIME.fullmatch(words)
    day = _WEEKDAY_WORDS.get(match["day"]) if match else None
    if match is None or day is None or not 1 <= int(match["period"]) <= MOST_PERIOD:
        raise Misread(FaultCode.BAD_PERIODS)
    return day, int(match["period"]), _WEEKS[match["weeks"] or ""]


def write_times(hours: Iterable[Time], locale: str) -> str:
    """The hours as `times` reads them again."""
    if locale == "en":
        return "; ".join(f"{WEEKDAYS[str(d)]['en']} {p}{'' if w == 'every' else f' {w}'}" for d, p, w in sorted(hours))
    weeks = {"every": "", "odd": "（单周）", "even": "（双周）"}
    return "；".join(f"{WEEKDAYS[str(d)]['zh']}第{p}节{weeks[w]}" for d, p, w in sorted(hours))
