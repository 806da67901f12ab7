"""What each person's pages ask: a name for the table, and the address."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Places:
    """Ids the addresses speak of."""

    plan: str
    demand: str
    school: str
    lesson: str
    event: str


def administrator(at: Places) -> Iterator[tuple[str, str]]:
    """The prefecture's administrator: everything there is."""
    plan = f"/api/plans/{at.plan}"
    yield "organisations, whole tree", "/api/organisations"
    yield "people, first page", "/api/users?limit=50"
    yield "people, last page", "/api/users?limit=50&offset=22000"
    yield "people, search", "/api/users?limit=50&q=教师1"
    yield "teachers, search", "/api/teachers?q=教师12"
    yield "rooms, first page", "/api/rooms?limit=50"
    yield "rooms, search", "/api/rooms?bookable=true&q=第12"
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
    yield "sample lessons", "/api/library?limit=50"
    yield "selection", "/api/samples?limit=50"
    yield "selection by county", "/api/samples/figures"
    yield "observations of people", "/api/observations/people"
    yield "critiques", "/api/critiques"
    yield "comparisons", "/api/comparisons"
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


def lessons() -> Iterator[tuple[str, str]]:
    """The lists of lessons everybody has."""
    yield "lessons, first page", "/api/lessons?limit=50"
    yield "lessons of a week", "/api/lessons?from=2026-11-16T00:00:00Z&to=2026-11-23T00:00:00Z&limit=200"
    yield "lessons of today", "/api/lessons?from=2026-11-21T16:00:00Z&to=2026-11-22T16:00:00Z&limit=200"
    yield "waiting for an answer", "/api/lessons?awaiting=true&limit=20"


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


def researcher(at: Places) -> Iterator[tuple[str, str]]:
    """A researcher."""
    yield from lessons()
    yield "recordings", "/api/recordings?limit=50"
    yield "my observations", "/api/observations"
    yield "sample lessons", "/api/library?limit=50"
    yield "critiques", "/api/critiques"
    yield "reviewers", f"/api/reviewers?lesson_id={at.lesson}&q=教研员1"


PEOPLE = {
    "administrator": administrator,
    "county administrator": school,
    "school administrator": school,
    "teacher": school,
    "researcher 0": researcher,
}
"""Who asks what; `teacher` is the one with most lessons."""
