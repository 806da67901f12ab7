"""Sheets of a critique: filled in by its reviewers, handed in for good, and answered by their readers."""

from datetime import datetime

from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.problems import Conflict, InvalidRequest, NotAllowed, NotFound
from service.reviews.critique_schemas import ReplyRequest, SheetRequest
from service.reviews.tables import Critique, CritiqueReply, CritiqueReviewer, CritiqueSheet
from service.usage.rows import append_row

MOST_REPLIES = 200


def fill_in(
    session: Session, person: Person, critique: Critique, lesson_id: str, request: SheetRequest, now: datetime
) -> None:
    """Keep what a reviewer has filled in about one lesson, complete or not. Raises Conflict once it is handed in."""
    own = _own_part(person, critique)
    _require_open(critique, own)
    if all(part.lesson_id != lesson_id for part in critique.lessons):
        raise NotFound("This lesson is not part of the critique.")
    points = {criterion["id"]: criterion["points"] for criterion in critique.criteria}
    for identity, score in request.scores.items():
        if identity not in points:
            raise InvalidRequest.of_field(f"scores.{identity}", "is no criterion of this rubric")
        if score > points[identity]:
            raise InvalidRequest.of_field(f"scores.{identity}", f"must be {points[identity]} at most")
    if unknown := request.remarks.keys() - points.keys():
        raise InvalidRequest.of_field(f"remarks.{min(unknown)}", "is no criterion of this rubric")
    sheet = sheet_of(critique, person.user_id, lesson_id)
    if sheet is None:
        sheet = CritiqueSheet(lesson_id=lesson_id, reviewer_id=person.user_id)
        critique.sheets.append(sheet)
    sheet.scores = dict(request.scores)
    sheet.remarks = {identity: text for identity, text in request.remarks.items() if text}
    sheet.summary, sheet.changed_at = request.summary, now
    session.flush()
    session.refresh(sheet)


def hand_in(session: Session, person: Person, critique: Critique, now: datetime) -> None:
    """Hand in for good; the last one to do so opens the critique to its readers.

    Raises InvalidRequest while a criterion of a lesson has no points.
    """
    own = _own_part(person, critique)
    _require_open(critique, own)
    for part in critique.lessons:
        sheet = sheet_of(critique, person.user_id, part.lesson_id)
        if sheet is None or total_of(critique, sheet) is None:
            raise InvalidRequest("Every criterion needs points before you hand in.", code="sheet_incomplete")
    own.handed_in_at = now
    for part in critique.lessons:
        data = {"critique_id": critique.id}
        append_row(session, now, "critique_handed_in", lesson_id=part.lesson_id, user_id=person.user_id, data=data)
    if all(reviewer.handed_in_at is not None for reviewer in critique.reviewers):
        critique.closed_at = now
    session.flush()


def reply(
    session: Session, person: Person, critique: Critique, sheet_id: str, request: ReplyRequest, now: datetime
) -> None:
    """Answer a sheet one may read. Raises NotFound for one that one may not, or not yet."""
    sheet = next((sheet for sheet in readable_sheets(person, critique) if sheet.id == sheet_id), None)
    if sheet is None or handed_in_at(critique, sheet) is None:
        raise NotFound("There is no such sheet.")
    if len(sheet.replies) >= MOST_REPLIES:
        raise Conflict(f"A sheet has {MOST_REPLIES} replies at most.", code="too_many_replies")
    sheet.replies.append(CritiqueReply(author_id=person.user_id, text=request.text, created_at=now))
    session.flush()
    session.refresh(sheet.replies[-1])


def readable_sheets(person: Person, critique: Critique) -> list[CritiqueSheet]:
    """Give one's own sheets, and those handed in by others once one may read them: when the critique is closed, or at
    once where it is not blind (not for its teachers: `find_critique` lets them in when it is closed)."""
    open_to_all = critique.closed_at is not None or not critique.blind
    return [
        sheet
        for sheet in critique.sheets
        if sheet.reviewer_id == person.user_id or (open_to_all and handed_in_at(critique, sheet) is not None)
    ]


def sheet_of(critique: Critique, user_id: str, lesson_id: str) -> CritiqueSheet | None:
    """Give a reviewer's sheet about a lesson, if begun."""
    found = (sheet for sheet in critique.sheets if (sheet.reviewer_id, sheet.lesson_id) == (user_id, lesson_id))
    return next(found, None)


def handed_in_at(critique: Critique, sheet: CritiqueSheet) -> datetime | None:
    """Say when the sheet's reviewer handed in."""
    return next((r.handed_in_at for r in critique.reviewers if r.user_id == sheet.reviewer_id), None)


def total_of(critique: Critique, sheet: CritiqueSheet) -> int | None:
    """Give the sheet's points, None while a criterion has none."""
    if any(criterion["id"] not in sheet.scores for criterion in critique.criteria):
        return None
    return sum(sheet.scores[criterion["id"]] for criterion in critique.criteria)


def _own_part(person: Person, critique: Critique) -> CritiqueReviewer:
    own = next((reviewer for reviewer in critique.reviewers if reviewer.user_id == person.user_id), None)
    if own is None:
        raise NotAllowed("Only assigned reviewers fill in this form.")
    return own


def _require_open(critique: Critique, own: CritiqueReviewer) -> None:
    if own.handed_in_at is not None:
        raise Conflict("You have handed in already.", code="handed_in")
    if critique.closed_at is not None:
        raise Conflict("The critique is closed.", code="critique_closed")
