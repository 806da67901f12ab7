"""What each person's pages ask: a name for the table, and the address. Together all addresses that are read."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Places:
    """Ids the addresses speak of."""

    plan: str
    demand: str
    school: str
    lesson: str
    event: str
    critique: str
    comparison: str
    sample: str
    teacher: str
    room: str
    county: str
    school_class: str


def administrator(at: Places) -> Iterator[tuple[str, str]]:
    """The prefecture's administrator: everything there is."""
    plan = f"/api/plans/{at.plan}"
    yield from words()
    yield "organisations, whole tree", "/api/organisations"
    yield "people, first page", "/api/users?limit=50"
    yield "people, last page", "/api/users?limit=50&offset=22000"
    yield "people, search", "/api/users?limit=50&q=教师1"
    yield "a person", f"/api/users/{at.teacher}"
    yield "teachers, search", "/api/teachers?q=教师12"
    yield "rooms, first page", "/api/rooms?limit=50"
    yield "rooms, search", "/api/rooms?bookable=true&q=第12"
    yield "a room", f"/api/rooms/{at.room}"
    yield "tests of lines, first page", "/api/connection-reports?limit=50"
    yield "tests of lines, last page", "/api/connection-reports?limit=50&offset=10000"
    yield "classes of a school", f"/api/classes?organisation_id={at.school}&limit=200"
    yield "bells of a school", f"/api/organisations/{at.school}/periods?on=2026-11-23"
    yield "calendar of a school", f"/api/organisations/{at.school}/calendar"
    yield "terms", "/api/terms"
    yield from lessons()
    yield "lessons, last page", "/api/lessons?limit=50&offset=7400"
    yield "lessons of a school", f"/api/lessons?organisation_id={at.school}&limit=50"
    yield "a lesson", f"/api/lessons/{at.lesson}"
    yield "a lesson's lines", f"/api/lessons/{at.lesson}/lines"
    yield "a lesson's log", f"/api/usage/events?lesson_id={at.lesson}&limit=200"
    yield "usage of the month", "/api/usage?limit=50&from=2026-10-28&to=2026-11-28"
    yield "usage, last page", "/api/usage?limit=50&offset=20000"
    yield "usage of a county's school", f"/api/usage?limit=50&organisation_id={at.school}"
    yield "recordings, first page", "/api/recordings?limit=50"
    yield "recordings, search", "/api/recordings?limit=50&q=第12"
    yield "a recording", f"/api/lessons/{at.lesson}/recording"
    yield "a recording's timeline", f"/api/lessons/{at.lesson}/recording/timeline"
    yield "who is invited to a recording", f"/api/lessons/{at.lesson}/recording/invitations"
    yield "notes on a lesson", f"/api/lessons/{at.lesson}/notes"
    yield "recording policy", f"/api/organisations/{at.county}/recording-policy"
    yield "troubles of recordings", "/api/recordings/notices"
    yield "deletions of recordings", "/api/recordings/deletions?limit=50"
    yield "acts of the month", "/api/audit?limit=50&from=2026-10-23&to=2026-11-23"
    yield "acts, last page", "/api/audit?limit=50&offset=200000"
    yield "acts of a kind", "/api/audit?limit=50&operation=change_lesson"
    yield "acts of a person", f"/api/audit?limit=50&user_id={at.teacher}"
    yield "sample lessons", "/api/library?limit=50"
    yield "selection", "/api/samples?limit=50"
    yield "a sample lesson", f"/api/samples/{at.sample}"
    yield "selection by county", "/api/samples/figures"
    yield "observations of people", "/api/observations/people"
    yield from reviews(at)
    yield "events", "/api/events"
    yield "an event", f"/api/events/{at.event}"
    yield "sign-ups of an event", f"/api/events/{at.event}/signups"
    yield "inbox", "/api/notices"
    yield "week of a school", f"/api/week?monday=2026-11-23&school_id={at.school}"
    yield "plans", "/api/plans"
    yield "a plan", plan
    yield "demands, first page", f"{plan}/demands?limit=50"
    yield "demands, search", f"{plan}/demands?limit=50&q=第12小学"
    yield "why", f"{plan}/demands/{at.demand}/why"
    yield "coverage map", f"{plan}/coverage"
    yield "coverage map of a subject", f"{plan}/coverage?subject=english"
    yield "schools of a plan", f"{plan}/schools?limit=30"
    yield "what binds", f"{plan}/binding"
    yield "targets, teachers", f"{plan}/targets?kind=teachers&q=教师12"
    yield "targets, demands", f"{plan}/targets?kind=served&q=第12"
    yield "targets, new demands", f"{plan}/targets?kind=new_demands"
    yield "targets, schools", f"{plan}/targets?kind=places"
    yield "compare with itself", f"{plan}/compare/{at.plan}"
    yield "changes", f"/api/changes?plan_id={at.plan}"
    yield "a plan's document", f"{plan}/document"
    yield "a plan's instance", f"{plan}/instance"
    yield "template of a county", "/api/templates/county"
    yield "calendar of a class", f"/api/calendars/class/{at.school_class}.ics"
    yield "calendar of a room", f"/api/calendars/room/{at.room}.ics"


def words() -> Iterator[tuple[str, str]]:
    """What forms and every page ask first."""
    yield "session", "/api/session"
    yield "settings", "/api/settings"
    yield "health", "/api/health"
    yield "subjects", "/api/subjects"
    yield "grades", "/api/grades"


def lessons() -> Iterator[tuple[str, str]]:
    """The lists of lessons everybody has."""
    yield "lessons, first page", "/api/lessons?limit=50"
    yield "lessons of a week", "/api/lessons?from=2026-11-16T00:00:00Z&to=2026-11-23T00:00:00Z&limit=200"
    yield "lessons of today", "/api/lessons?from=2026-11-21T16:00:00Z&to=2026-11-22T16:00:00Z&limit=200"
    yield "waiting for an answer", "/api/lessons?awaiting=true&limit=20"


def reviews(at: Places) -> Iterator[tuple[str, str]]:
    """The lists of research, and one of each."""
    yield "rubrics", "/api/rubrics"
    yield "critiques", "/api/critiques?limit=50"
    yield "critiques, last page", "/api/critiques?limit=50&offset=900"
    yield "a critique", f"/api/critiques/{at.critique}"
    yield "a critique as a workbook", f"/api/critiques/{at.critique}/export.xlsx"
    yield "a critique as a document", f"/api/critiques/{at.critique}/export.docx"
    yield "comparisons", "/api/comparisons?limit=50"
    yield "a comparison", f"/api/comparisons/{at.comparison}"


def school(at: Places) -> Iterator[tuple[str, str]]:
    """A school's administrator and a teacher: their own lessons, inbox, week, events, usage."""
    yield from lessons()
    yield "my lessons", "/api/lessons?mine=true&limit=50"
    yield "inbox", "/api/notices"
    yield "rooms", "/api/rooms?limit=50"
    yield "events", "/api/events"
    yield "partners", "/api/week/partners"
    yield "my week", f"/api/week?monday=2026-11-23&school_id={at.school}"
    yield "usage", "/api/usage?limit=50"
    yield "recordings", "/api/recordings?limit=50"
    yield "calendar of the school", f"/api/calendars/school/{at.school}.ics"


def operator(_at: Places) -> Iterator[tuple[str, str]]:
    """The system administrator."""
    yield "relays", "/api/relays"
    yield "people, first page", "/api/users?limit=50"
    yield "acts", "/api/audit?limit=50"


def classroom(_at: Places) -> Iterator[tuple[str, str]]:
    """A room's own computer."""
    yield "which room it is", "/api/device"
    yield "its next lesson", "/api/device/lesson"


def researcher(at: Places) -> Iterator[tuple[str, str]]:
    """A researcher."""
    yield from lessons()
    yield "recordings", "/api/recordings?limit=50"
    yield "my observations", "/api/observations"
    yield "sample lessons", "/api/library?limit=50"
    yield from reviews(at)
    yield "reviewers", f"/api/reviewers?lesson_id={at.lesson}&q=教研员1"


DEVICE = "room"
PEOPLE: Mapping[str, Callable[[Places], Iterator[tuple[str, str]]]] = {
    "administrator": administrator,
    "county administrator": school,
    "school administrator": school,
    "teacher": school,
    "researcher 0": researcher,
    "system administrator": operator,
    DEVICE: classroom,
}
"""Who asks what; `teacher` is the one with most lessons, `room` that in which the first lesson was led."""

NOT_ASKED: Mapping[str, str] = {
    "/api/metrics": "asked by Prometheus with a token of its own, not by a page",
    "/api/changes/{change_id}": "needs a plan in force; make bench-schedule measures changes",
    "/api/plans/{plan_id}/table": "a file of every demand, taken once",
    "/api/exports/{kind}": "a file of the whole prefecture: make bench-exchange",
    "/api/usage.csv": "a file of the whole month: make bench-usage",
    "/api/usage.xlsx": "a file of the whole month: make bench-usage",
    "/api/lessons/{lesson_id}/recording/handout/media": "a recording's bytes, from the store",
    "/api/recordings/growing/{lesson_id}/{file_name}": "a recording's bytes, from the disk",
    "/api/recordings/streams/{stream_id}/media": "a recording's bytes, from the store",
    "/api/recordings/streams/{stream_id}/sheet": "a picture's bytes, from the store",
}
"""Addresses that are read, but not as a page or list, and where they are measured instead."""
