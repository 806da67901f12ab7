"""Endpoints of critiques: opened, filled in, handed in, read, answered and exported."""

from collections.abc import Callable
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, status
from sqlalchemy.orm import Session
from starlette.responses import Response

from service.accounts.principal import Person
from service.api.dependencies import PartsDependency, PersonDependency
from service.api.forms import Identity, Limit, Offset
from service.audit.acts import made
from service.configuration import Locale
from service.parts import Parts
from service.reviews.access import may_take_notes
from service.reviews.critique_document import critique_document
from service.reviews.critique_schemas import (
    CritiqueAnswer,
    CritiqueRequest,
    Critiques,
    ReplyRequest,
    ReviewerChoice,
    ReviewerChoices,
    SheetRequest,
)
from service.reviews.critique_views import view_critique, view_item
from service.reviews.critique_workbook import critique_workbook
from service.reviews.critiques import close_critique, find_critique, list_critiques, open_critique, reviewer_choices
from service.reviews.notes import NoteAnswer, list_notes
from service.reviews.sheets import fill_in, hand_in, reply
from service.reviews.tables import Critique

router = APIRouter(tags=["reviews"])

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DOCX_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
LocaleParameter = Annotated[Locale | None, Query(description="Language of headers and words; yours when not given.")]


@router.get("/critiques")
def read_critiques(
    parts: PartsDependency,
    person: PersonDependency,
    lesson_id: Annotated[Identity | None, Query()] = None,
    mine: Annotated[bool, Query(description="Only those that wait for your form.")] = False,
    limit: Limit = 50,
    offset: Offset = 0,
) -> Critiques:
    """List the critiques you take part in or may read, the newest first."""
    with parts.database.reading() as session:
        found, total = list_critiques(session, person, lesson_id, mine=mine, limit=limit, offset=offset)
        return Critiques(items=[view_item(person, critique) for critique in found], total=total)


@router.get("/reviewers")
def read_reviewers(
    parts: PartsDependency,
    person: PersonDependency,
    lesson_id: Annotated[list[Identity], Query(min_length=1, max_length=4, description="The lessons to be reviewed.")],
) -> ReviewerChoices:
    """List the people who may be assigned to review all of the lessons."""
    with parts.database.reading() as session:
        items = [
            ReviewerChoice(id=user.id, name=user.display_name, role=user.role, organisation=user.organisation.name)
            for user in reviewer_choices(session, person, lesson_id)
        ]
    return ReviewerChoices(items=items, total=len(items))


@router.post("/critiques", status_code=status.HTTP_201_CREATED)
def create_critique(request: CritiqueRequest, parts: PartsDependency, person: PersonDependency) -> CritiqueAnswer:
    """Open a critique over a lesson, or with one rubric across the lessons of a comparison."""
    with parts.database.unit_of_work() as session:
        critique = open_critique(session, person, request, "critique", parts.clock.now())
        made(critique_id=critique.id)
        return view_critique(person, critique)


@router.get("/critiques/{critique_id}")
def read_critique(critique_id: str, parts: PartsDependency, person: PersonDependency) -> CritiqueAnswer:
    """Give a critique with the sheets you may read: your own, and the others' when all have handed in."""
    with parts.database.reading() as session:
        return view_critique(person, find_critique(session, person, critique_id))


@router.put("/critiques/{critique_id}/lessons/{lesson_id}/sheet")
def write_sheet(
    critique_id: str, lesson_id: str, request: SheetRequest, parts: PartsDependency, person: PersonDependency
) -> CritiqueAnswer:
    """Keep what you have filled in so far about one lesson."""
    with parts.database.unit_of_work() as session:
        critique = find_critique(session, person, critique_id)
        fill_in(session, person, critique, lesson_id, request, parts.clock.now())
        return view_critique(person, critique)


@router.post("/critiques/{critique_id}/hand-in")
def hand_in_critique(critique_id: str, parts: PartsDependency, person: PersonDependency) -> CritiqueAnswer:
    """Hand your forms in for good."""
    with parts.database.unit_of_work() as session:
        critique = find_critique(session, person, critique_id)
        hand_in(session, person, critique, parts.clock.now())
        return view_critique(person, critique)


@router.post("/critiques/{critique_id}/close")
def end_critique(critique_id: str, parts: PartsDependency, person: PersonDependency) -> CritiqueAnswer:
    """Close a critique although not everybody has handed in."""
    with parts.database.unit_of_work() as session:
        critique = find_critique(session, person, critique_id)
        close_critique(session, person, critique, parts.clock.now())
        return view_critique(person, critique)


@router.post("/critiques/{critique_id}/sheets/{sheet_id}/replies", status_code=status.HTTP_201_CREATED)
def answer_sheet(
    critique_id: str, sheet_id: str, request: ReplyRequest, parts: PartsDependency, person: PersonDependency
) -> CritiqueAnswer:
    """Answer a reviewer's sheet."""
    with parts.database.unit_of_work() as session:
        critique = find_critique(session, person, critique_id)
        reply(session, person, critique, sheet_id, request, parts.clock.now())
        return view_critique(person, critique)


@router.get(
    "/critiques/{critique_id}/export.xlsx", response_class=Response, responses={200: {"content": {XLSX_TYPE: {}}}}
)
def export_critique(
    critique_id: str, parts: PartsDependency, person: PersonDependency, locale: LocaleParameter = None
) -> Response:
    """Give a critique as an Excel workbook: scores side by side, remarks with replies, and the notes you may read."""
    content = _export(critique_workbook, critique_id, parts, person, locale)
    return Response(content, media_type=XLSX_TYPE, headers=_headers("critique.xlsx"))


@router.get(
    "/critiques/{critique_id}/export.docx", response_class=Response, responses={200: {"content": {DOCX_TYPE: {}}}}
)
def export_critique_document(
    critique_id: str, parts: PartsDependency, person: PersonDependency, locale: LocaleParameter = None
) -> Response:
    """Give a critique as a Word document: each lesson's scores, remarks with replies, and the notes you may read."""
    content = _export(critique_document, critique_id, parts, person, locale)
    return Response(content, media_type=DOCX_TYPE, headers=_headers("critique.docx"))


def _export(
    make: Callable[[CritiqueAnswer, dict[str, list[NoteAnswer]], Locale, ZoneInfo], bytes],
    critique_id: str,
    parts: Parts,
    person: Person,
    locale: Locale | None,
) -> bytes:
    language: Locale = locale or ("en" if person.locale == "en" else "zh-CN")
    with parts.database.reading() as session:
        critique = find_critique(session, person, critique_id)
        view, notes = view_critique(person, critique), _notes(session, person, critique)
    return make(view, notes, language, parts.configuration.zone)


def _headers(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}


def _notes(session: Session, person: Person, critique: Critique) -> dict[str, list[NoteAnswer]]:
    return {
        part.lesson_id: list_notes(session, person, part.lesson).items
        for part in critique.lessons
        if may_take_notes(person, part.lesson)
    }
