"""Endpoints of the usage report: as JSON, as CSV and XLSX, and the raw log of one lesson."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response, StreamingResponse

from media.contract import LessonKind
from service.accounts.principal import Person
from service.api.dependencies import PartsDependency, PersonDependency
from service.api.forms import Identity, Limit, Offset
from service.api.time_parameters import From, To, interval_of
from service.lessons.finding import find_lesson
from service.lessons.rights import may_conduct, may_replay, may_see_lines
from service.organisation.curriculum import SUBJECTS
from service.parts import Parts
from service.problems import NotAllowed
from service.usage.lines import LessonLines, read_lines
from service.usage.report import UsageFilter, all_items, list_events, make_report
from service.usage.schemas import Locale, UsageEvents, UsageReport
from service.usage.spreadsheet import Cell, csv_chunks, row_cells, xlsx_chunks

router = APIRouter(tags=["usage"])

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LocaleParameter = Annotated[Locale | None, Query(description="Language of headers and words; yours when not given.")]


async def usage_filter(
    parts: PartsDependency,
    organisation_id: Annotated[Identity | None, Query()] = None,
    starts: From = None,
    ends: To = None,
    kind: Annotated[LessonKind | None, Query()] = None,
    subject: Annotated[str | None, Query(max_length=20)] = None,
) -> UsageFilter:
    """Read the filter all forms of the report share."""
    first, last = interval_of(starts, ends, parts.configuration.zone)
    return UsageFilter(organisation_id, first, last, kind, subject)


FilterDependency = Annotated[UsageFilter, Depends(usage_filter)]


@router.get("/usage")
def read_usage(
    parts: PartsDependency,
    person: PersonDependency,
    wanted: FilterDependency,
    limit: Limit = 50,
    offset: Offset = 0,
) -> UsageReport:
    """Give who attended which lesson for how long, and what reached them, with totals over all that matches."""
    with parts.database.reading() as session:
        return make_report(session, person, wanted, limit, offset)


@router.get("/usage.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
def export_csv(
    parts: PartsDependency, person: PersonDependency, wanted: FilterDependency, locale: LocaleParameter = None
) -> Response:
    """Give the whole report as CSV: UTF-8 with byte order mark, safe to open in a spreadsheet."""
    language = locale or _language(person)
    _refuse_early(parts, person, wanted)
    chunks = csv_chunks(_export_rows(parts, person, wanted, language), language)
    return StreamingResponse(chunks, media_type="text/csv; charset=utf-8", headers=_attachment("usage.csv"))


@router.get("/usage.xlsx", response_class=Response, responses={200: {"content": {XLSX_TYPE: {}}}})
def export_xlsx(
    parts: PartsDependency, person: PersonDependency, wanted: FilterDependency, locale: LocaleParameter = None
) -> Response:
    """Give the whole report as an Excel workbook."""
    language = locale or _language(person)
    _refuse_early(parts, person, wanted)
    chunks = xlsx_chunks(_export_rows(parts, person, wanted, language), language)
    return StreamingResponse(chunks, media_type=XLSX_TYPE, headers=_attachment("usage.xlsx"))


@router.get("/usage/events")
def read_usage_events(
    lesson_id: Annotated[Identity, Query()],
    parts: PartsDependency,
    person: PersonDependency,
    limit: Limit = 50,
    offset: Offset = 0,
) -> UsageEvents:
    """Give the raw rows of the append-only log for one lesson, oldest first."""
    if not person.may("usage.read"):
        raise NotAllowed
    with parts.database.reading() as session:
        lesson = find_lesson(session, person, lesson_id)
        if not (may_conduct(person, lesson) or may_replay(person, lesson)):
            raise NotAllowed
        return list_events(session, lesson.id, limit, offset)


@router.get("/lessons/{lesson_id}/lines")
def read_lesson_lines(lesson_id: Identity, parts: PartsDependency, person: PersonDependency) -> LessonLines:
    """Give how the lines of a lesson's rooms did, and which seconds of the lead each room missed.

    For whoever leads or replays the lesson, or speaks for a receiving school.
    """
    with parts.database.reading() as session:
        lesson = find_lesson(session, person, lesson_id)
        if not may_see_lines(person, lesson):
            raise NotAllowed
        return read_lines(session, lesson.id)


def _refuse_early(parts: Parts, person: Person, wanted: UsageFilter) -> None:
    """Refuse before the first byte of a file goes out: a stream cannot take its 200 back."""
    with parts.database.reading() as session:
        make_report(session, person, wanted, 1, 0)


def _export_rows(parts: Parts, person: Person, wanted: UsageFilter, locale: Locale) -> Iterator[list[Cell]]:
    with parts.database.reading_at_length() as session:
        for item in all_items(session, person, wanted):
            yield row_cells(item, locale, parts.configuration.zone, lambda code: _subject(code, locale))


def _subject(code: str, locale: Locale) -> str:
    return SUBJECTS[code]["zh" if locale == "zh-CN" else "en"] if code in SUBJECTS else code


def _language(person: Person) -> Locale:
    return "en" if person.locale == "en" else "zh-CN"


def _attachment(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
