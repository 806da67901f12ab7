"""Readers of days and of times of the day, as spreadsheets hold them and as people write them."""

import re
from datetime import date, datetime, time, timedelta

from service.exchange.cells import Value
from service.exchange.faults import FaultCode, Misread
from service.exchange.values import text_of
from service.exchange.wording import name_key

_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_TIME = re.compile(r"(\d{1,2})[:.时](\d{2})(?::00)?分?")
EARLIEST, LATEST = date(2000, 1, 1), date(2199, 12, 31)


def day(value: Value) -> date:
    """Read a day: a date cell, 2026-09-01, 2026/9/1 or 2026年9月1日."""
    found = value.date() if isinstance(value, datetime) else value
    if not isinstance(found, date):
        match = _DAY.fullmatch(name_key(text_of(value)))
        try:
            found = date(*map(int, match.groups())) if match else None
        except ValueError:
            found = None
    if not isinstance(found, date) or not EARLIEST <= found <= LATEST:
        raise Misread(FaultCode.NOT_A_DAY)
    return found


def time_of_day(value: Value) -> str:
    """Read a time as "HH:MM": a time cell, 8:30, 08：30 or 8时30分."""
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
        value = time(seconds // 3600, seconds // 60 % 60) if 0 <= seconds < 86_400 else None
    if isinstance(value, datetime):
        value = value.time()
    if isinstance(value, time):
        return f"{value.hour:02d}:{value.minute:02d}"
    match = _TIME.fullmatch(name_key(text_of(value)))
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        raise Misread(FaultCode.NOT_A_TIME)
    return f"{int(match[1]):02d}:{match[2]}"
