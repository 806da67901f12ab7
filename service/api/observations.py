"""Endpoints of watching: what was played of a recording, and the observations it adds up to."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from service.accounts.principal import Person
from service.api.dependencies import PartsDependency, PersonDependency
from service.api.forms import RequestBody
from service.lessons.rights import may_replay
from service.parts import Parts
from service.problems import Conflict, NotAllowed
from service.recordings.catalogue import find_recording
from service.recordings.tables import Recording
from service.recordings.views import so_far_ms
from service.replay.observations import Observations, Observers, Quota, observations_of, observers_of, school_year_of
from service.replay.watching import begin_watching, count_watched

router = APIRouter(tags=["replay"])

Moment = Annotated[int, Field(ge=0, le=24 * 3_600_000)]
Year = Annotated[
    int | None, Query(ge=2000, le=2199, description="The calendar year the school year begins in; this one's if none.")
]


class WatchedRequest(RequestBody):
    """Stretches (from_ms, to_ms) of the lesson that were played since the last report; empty when playing begins."""

    parts: Annotated[list[Annotated[list[Moment], Field(min_length=2, max_length=2)]], Field(max_length=100)]


class WatchedAnswer(BaseModel):
    """How much of it was new."""

    counted_ms: int


@router.post("/lessons/{lesson_id}/watched")
def report_watched(
    lesson_id: str, request: WatchedRequest, parts: PartsDependency, person: PersonDependency
) -> WatchedAnswer:
    """Report what you played of a recording; each moment counts once, and no more than the time that passed allows."""
    now = parts.clock.now()
    with parts.database.unit_of_work() as session:
        recording = find_recording(session, person, lesson_id, now)
        duration_ms = recording.duration_ms or _running_ms(parts, person, recording, now)
        if duration_ms is None:
            raise Conflict("There is nothing to watch yet.", code="recording_not_ready")
        if not request.parts:
            begin_watching(session, person.user_id, now)
            return WatchedAnswer(counted_ms=0)
        counted = count_watched(session, person.user_id, lesson_id, request.parts, duration_ms, now)
    return WatchedAnswer(counted_ms=counted)


@router.get("/observations")
def read_observations(parts: PartsDependency, person: PersonDependency, year: Year = None) -> Observations:
    """Give the lessons you observed in a school year, live and on replay, beside the quota."""
    if not person.may("lessons.observe"):
        raise NotAllowed("Only researchers and inspectors have observations to count.")
    zone = parts.configuration.zone
    wanted = year or school_year_of(parts.clock.now(), zone)
    with parts.database.reading() as session:
        return observations_of(session, person.user_id, wanted, _quota(parts), zone)


@router.get("/observations/people")
def read_observers(parts: PartsDependency, person: PersonDependency, year: Year = None) -> Observers:
    """Give every researcher of your part of the organisation beside the quota; for administrators and inspectors."""
    if not (person.is_administrator or (person.may("usage.read") and person.may("lessons.observe"))):
        raise NotAllowed("Only administrators and inspectors see other people's observations.")
    zone = parts.configuration.zone
    wanted = year or school_year_of(parts.clock.now(), zone)
    with parts.database.reading() as session:
        return observers_of(session, person, wanted, _quota(parts), zone)


def _running_ms(parts: Parts, person: Person, recording: Recording, now: datetime) -> int | None:
    """How much there is to watch of a lesson that still runs, for those who may watch it then."""
    if recording.state != "recording" or not may_replay(person, recording.lesson):
        return None
    return so_far_ms(parts.live_watching.want(recording.lesson_id))


def _quota(parts: Parts) -> Quota:
    return Quota(parts.configuration.observation_minutes, parts.configuration.observations_a_year)
