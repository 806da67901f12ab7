"""Shapes critiques for one reader: only the sheets that reader may see, and figures made from those alone."""

from statistics import fmean
from typing import Literal

from service.accounts.principal import Person
from service.reviews.critique_schemas import (
    CritiqueAnswer,
    CritiquedLesson,
    CritiqueItem,
    ReplyAnswer,
    ReviewerAnswer,
    SheetAnswer,
)
from service.reviews.critiques import may_close
from service.reviews.rubrics import Criterion
from service.reviews.sheets import handed_in_at, readable_sheets, total_of
from service.reviews.tables import Critique, CritiqueSheet


def view_item(person: Person, critique: Critique) -> CritiqueItem:
    """A critique as a list shows it."""
    return CritiqueItem(
        id=critique.id,
        title=critique.title,
        purpose=critique.purpose,  # type: ignore[arg-type]
        rubric_name=critique.rubric_name,
        blind=critique.blind,
        due_on=critique.due_on,
        comparison_id=critique.comparison_id,
        opened_by=critique.opener.display_name,
        opened_at=critique.opened_at,
        closed_at=critique.closed_at,
        reviewers=[
            ReviewerAnswer(
                id=reviewer.user_id,
                name=reviewer.user.display_name,
                organisation=reviewer.user.organisation.name,
                handed_in_at=reviewer.handed_in_at,
            )
            for reviewer in critique.reviewers
        ],
        lessons=_lessons(person, critique),
        my_part=_my_part(person, critique),
        may_close=critique.closed_at is None and may_close(person, critique),
    )


def view_critique(person: Person, critique: Critique) -> CritiqueAnswer:
    """A critique with the sheets the person may read."""
    sheets = readable_sheets(person, critique)
    criteria = [Criterion.model_validate(criterion) for criterion in critique.criteria]
    hidden = any(sheet not in sheets and handed_in_at(critique, sheet) for sheet in critique.sheets)
    return CritiqueAnswer(
        **view_item(person, critique).model_dump(),
        criteria=criteria,
        points=sum(criterion.points for criterion in criteria),
        sheets=[_sheet(person, critique, sheet) for sheet in _in_order(critique, sheets)],
        sheets_hidden=hidden,
        may_reply=any(handed_in_at(critique, sheet) for sheet in sheets),
    )


def mean_of(critique: Critique, lesson_id: str, sheets: list[CritiqueSheet]) -> float | None:
    """Give the mean of the totals of handed-in sheets about a lesson, None without any."""
    totals = [
        total_of(critique, sheet)
        for sheet in sheets
        if sheet.lesson_id == lesson_id and handed_in_at(critique, sheet) is not None
    ]
    known = [total for total in totals if total is not None]
    return round(fmean(known), 2) if known else None


def _lessons(person: Person, critique: Critique) -> list[CritiquedLesson]:
    sheets = readable_sheets(person, critique) if _sees_all(critique) else []
    return [
        CritiquedLesson(
            id=part.lesson_id,
            title=part.lesson.title,
            subject=part.lesson.subject,
            grade=part.lesson.grade,
            starts_at=part.lesson.starts_at,
            lead_teacher=part.lesson.lead_teacher.display_name,
            lead_school=part.lesson.lead_school.name,
            mean=mean_of(critique, part.lesson_id, sheets),
        )
        for part in critique.lessons
    ]


def _sees_all(critique: Critique) -> bool:
    return critique.closed_at is not None or not critique.blind


def _my_part(person: Person, critique: Critique) -> Literal["to_fill_in", "handed_in", "none"]:
    own = next((reviewer for reviewer in critique.reviewers if reviewer.user_id == person.user_id), None)
    if own is None:
        return "none"
    if own.handed_in_at is not None:
        return "handed_in"
    return "none" if critique.closed_at is not None else "to_fill_in"


def _in_order(critique: Critique, sheets: list[CritiqueSheet]) -> list[CritiqueSheet]:
    lessons = [part.lesson_id for part in critique.lessons]
    reviewers = [reviewer.user_id for reviewer in critique.reviewers]
    return sorted(sheets, key=lambda sheet: (lessons.index(sheet.lesson_id), reviewers.index(sheet.reviewer_id)))


def _sheet(person: Person, critique: Critique, sheet: CritiqueSheet) -> SheetAnswer:
    return SheetAnswer(
        id=sheet.id,
        lesson_id=sheet.lesson_id,
        reviewer_id=sheet.reviewer_id,
        reviewer=sheet.reviewer.display_name,
        mine=sheet.reviewer_id == person.user_id,
        scores=sheet.scores,
        remarks=sheet.remarks,
        summary=sheet.summary,
        total=total_of(critique, sheet),
        changed_at=sheet.changed_at,
        replies=[
            ReplyAnswer(id=reply.id, author=reply.author.display_name, text=reply.text, created_at=reply.created_at)
            for reply in sheet.replies
        ],
    )
