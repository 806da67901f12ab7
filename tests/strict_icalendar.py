"""Reads iCalendar files as RFC 5545 demands and forgives nothing: what breaks a rule, some calendar program refuses.

Checked: CRLF line ends, folding at 75 octets (3.1), nesting of components, properties that must or may stand once
(3.6, 3.6.1), TEXT escapes (3.3.11), dates and times (3.3.5), and that every TZID has a VTIMEZONE that agrees with the
zone of that name (3.6.5).
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

LINE_OCTETS = 75
_LINE = re.compile(r'([A-Z0-9-]+)((?:;[A-Z0-9-]+=(?:"[^"\x00-\x1f]*"|[^";:,\x00-\x1f]*))*):(.*)')
_ESCAPE = re.compile(r"\\(.)")
_UNESCAPED = {"\\": "\\", ";": ";", ",": ",", "n": "\n", "N": "\n"}
_ONCE = {
    "VCALENDAR": {"PRODID": True, "VERSION": True, "CALSCALE": False, "METHOD": False, "X-WR-CALNAME": False},
    "VEVENT": {
        **dict.fromkeys(("UID", "DTSTAMP", "DTSTART", "DTEND", "SEQUENCE", "SUMMARY", "STATUS"), True),
        **dict.fromkeys(("LOCATION", "DESCRIPTION"), False),
    },
    "VTIMEZONE": {"TZID": True},
    "STANDARD": dict.fromkeys(("DTSTART", "TZOFFSETFROM", "TZOFFSETTO"), True) | {"TZNAME": False},
    "DAYLIGHT": dict.fromkeys(("DTSTART", "TZOFFSETFROM", "TZOFFSETTO"), True) | {"TZNAME": False},
}
_INSIDE = {"VEVENT": "VCALENDAR", "VTIMEZONE": "VCALENDAR", "STANDARD": "VTIMEZONE", "DAYLIGHT": "VTIMEZONE"}
_TEXTS = {"SUMMARY", "LOCATION", "DESCRIPTION", "UID", "X-WR-CALNAME", "PRODID"}
_STATUSES = {"TENTATIVE", "CONFIRMED", "CANCELLED"}


class NotICalendarError(Exception):
    """The file breaks a rule of RFC 5545; the text says which."""


@dataclass
class Component:
    """A component with its properties (parameters and value as written) and those inside it."""

    name: str
    properties: dict[str, tuple[dict[str, str], str]] = field(default_factory=dict)
    inside: list["Component"] = field(default_factory=list)

    def text(self, name: str) -> str:
        """A TEXT property, unescaped; empty if there is none."""
        return unescape(self.properties[name][1]) if name in self.properties else ""


@dataclass(frozen=True)
class Event:
    """One event, its times resolved."""

    uid: str
    sequence: int
    starts_at: datetime
    ends_at: datetime
    summary: str
    location: str
    description: str
    status: str


@dataclass(frozen=True)
class Calendar:
    """A file."""

    name: str
    events: list[Event]

    def event(self, uid_part: str) -> Event:
        """The one event whose UID begins so."""
        (found,) = [one for one in self.events if one.uid.startswith(uid_part)]
        return found


def parse_calendar(content: bytes) -> Calendar:
    """The calendar in a file. Raises NotICalendarError."""
    root = _tree(_lines(content))
    _require(root.properties["VERSION"][1] == "2.0", "VERSION is not 2.0")
    zones = {one.text("TZID") or one.properties["TZID"][1]: one for one in root.inside if one.name == "VTIMEZONE"}
    events = [_event(one, zones) for one in root.inside if one.name == "VEVENT"]
    _require(len({one.uid for one in events}) == len(events), "two events have one UID")
    return Calendar(root.text("X-WR-CALNAME"), events)


def unescape(text: str) -> str:
    """TEXT as it was meant. Raises NotICalendarError for a stray backslash, comma or semicolon."""
    _require(not re.search(r"[,;]", _ESCAPE.sub("", text)), f"unescaped comma or semicolon in {text!r}")

    def meant(match: re.Match[str]) -> str:
        _require(match[1] in _UNESCAPED, f"unknown escape in {text!r}")
        return _UNESCAPED[match[1]]

    return _ESCAPE.sub(meant, text)


def _lines(content: bytes) -> list[str]:
    _require(content.endswith(b"\r\n"), "the last line does not end with CRLF")
    parts = content.split(b"\r\n")[:-1]
    lines: list[str] = []
    for part in parts:
        _require(b"\r" not in part and b"\n" not in part, "a lone CR or LF")
        _require(0 < len(part) <= LINE_OCTETS, f"a line of {len(part)} octets")
        text = part.decode()  # a character torn apart by folding does not decode
        if text[0] in " \t":
            _require(bool(lines), "the file begins with a folded line")
            lines[-1] += text[1:]
        else:
            lines.append(text)
    return lines


def _tree(lines: list[str]) -> Component:
    root: Component | None = None
    open_: list[Component] = []
    for line in lines:
        match = _LINE.fullmatch(line)
        _require(match is not None, f"not a content line: {line!r}")
        assert match is not None
        name, written, value = match.groups()
        if name == "BEGIN":
            one = Component(value)
            _require(value in _ONCE, f"unknown component {value}")
            _require(_INSIDE.get(value) == (open_[-1].name if open_ else None), f"{value} stands in a wrong place")
            _require(bool(open_) or root is None, "more than one calendar")
            if open_:
                open_[-1].inside.append(one)
            else:
                root = one
            open_.append(one)
        elif name == "END":
            _require(bool(open_) and open_[-1].name == value, f"END:{value} closes nothing")
            _check(open_.pop())
        else:
            _require(bool(open_), f"{name} outside of any component")
            _require(name not in open_[-1].properties, f"{name} twice in {open_[-1].name}")
            parameters = dict(pair.split("=", 1) for pair in written.split(";")[1:])
            open_[-1].properties[name] = parameters, value
    _require(root is not None and not open_, "the calendar is not closed")
    assert root is not None
    return root


def _check(one: Component) -> None:
    known = _ONCE[one.name]
    for name in one.properties:
        _require(name in known or name.startswith("X-"), f"{name} does not belong in {one.name}")
    for name, must in known.items():
        _require(not must or name in one.properties, f"{one.name} has no {name}")
    for name in _TEXTS & one.properties.keys():
        one.text(name)


def _event(one: Component, zones: dict[str, Component]) -> Event:
    starts_at, ends_at = _moment(one, "DTSTART", zones), _moment(one, "DTEND", zones)
    stamp = one.properties["DTSTAMP"][1]
    _require(re.fullmatch(r"\d{8}T\d{6}Z", stamp) is not None, f"DTSTAMP is not UTC: {stamp}")
    _require(ends_at > starts_at, "DTEND is not later than DTSTART")
    sequence, status = one.properties["SEQUENCE"][1], one.properties["STATUS"][1]
    _require(sequence.isdigit(), f"SEQUENCE {sequence}")
    _require(status in _STATUSES, f"STATUS {status}")
    uid, words = one.text("UID"), [one.text(name) for name in ("SUMMARY", "LOCATION", "DESCRIPTION")]
    return Event(uid, int(sequence), starts_at, ends_at, *words, status)


def _moment(one: Component, name: str, zones: dict[str, Component]) -> datetime:
    parameters, value = one.properties[name]
    _require(parameters.keys() == {"TZID"}, f"{name} has parameters {parameters}")
    _require(parameters["TZID"] in zones, f"no VTIMEZONE for {parameters['TZID']}")
    wall = _wall(value)
    offset = _offset_at(zones[parameters["TZID"]], wall)
    named = wall.replace(tzinfo=ZoneInfo(parameters["TZID"]))
    _require(named.utcoffset() == offset, f"VTIMEZONE says {offset} for {value}, the zone {named.utcoffset()}")
    return named.astimezone(UTC)


def _offset_at(zone: Component, wall: datetime) -> timedelta:
    """The offset of the observance with the latest onset before a wall clock time (3.6.5)."""
    begun = [
        (onset, one.properties["TZOFFSETTO"][1])
        for one in zone.inside
        if (onset := _wall(one.properties["DTSTART"][1])) <= wall
    ]
    _require(bool(begun), "no observance of the VTIMEZONE has begun")
    match = re.fullmatch(r"([+-])(\d\d)(\d\d)(\d\d)?", max(begun)[1])
    _require(match is not None, "a malformed UTC offset")
    assert match is not None
    size = timedelta(hours=int(match[2]), minutes=int(match[3]), seconds=int(match[4] or 0))
    return -size if match[1] == "-" else size


def _wall(value: str) -> datetime:
    _require(re.fullmatch(r"\d{8}T\d{6}", value) is not None, f"not a local date and time: {value}")
    return datetime.strptime(value, "%Y%m%dT%H%M%S")


def _require(holds: bool, fault: str) -> None:
    if not holds:
        raise NotICalendarError(fault)
