"""A critique as an Excel workbook: the scores of all reviewers beside each other, their remarks, replies and notes.

Text is written as text: openpyxl would take what begins with "=" for a formula.
"""

from collections.abc import Sequence
from io import BytesIO
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.worksheet import Worksheet

from service.configuration import Locale
from service.reviews.critique_schemas import CritiqueAnswer
from service.reviews.critique_words import (
    WORDS,
    about,
    criterion_titles,
    mean_of_known,
    position_text,
    remark_rows,
)
from service.reviews.notes import NoteAnswer

Value = str | int | float | None
HEAD_FILL = PatternFill("solid", fgColor="DCEBEE")


def critique_workbook(
    critique: CritiqueAnswer, notes: dict[str, list[NoteAnswer]], locale: Locale, zone: ZoneInfo
) -> bytes:
    """Make the workbook of a critique as one reader sees it; `notes` by the lesson's id."""
    book = Workbook()
    first = book.active
    assert isinstance(first, Worksheet)  # noqa: S101 - a new workbook has one worksheet
    words = WORDS[locale]
    first.title = words["scores"]
    _write_scores(first, critique, locale, zone)
    _write_remarks(book.create_sheet(words["remarks"]), critique, locale, zone)
    _write_notes(book.create_sheet(words["notes"]), critique, notes, words)
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _write_scores(sheet: Worksheet, critique: CritiqueAnswer, locale: Locale, zone: ZoneInfo) -> None:
    words, titles = WORDS[locale], criterion_titles(critique, locale)
    _add(sheet, [words["critique"], critique.title], bold=True)
    _add(sheet, [words["rubric"], critique.rubric_name])
    for lesson in critique.lessons:
        own = [item for item in critique.sheets if item.lesson_id == lesson.id]
        _add(sheet, [])
        _add(sheet, [words["lesson"], lesson.title, about(lesson, zone)], bold=True)
        _add(sheet, [words["criterion"], words["points"], *(item.reviewer for item in own), words["mean"]], head=True)
        for criterion in critique.criteria:
            title = titles[criterion.id]
            scores = [item.scores.get(criterion.id) for item in own]
            _add(sheet, [title, criterion.points, *scores, mean_of_known(scores)])
        totals = [item.total for item in own]
        _add(sheet, [words["total"], critique.points, *totals, mean_of_known(totals)], bold=True)
    _set_widths(sheet, [34, 12, 16, 16, 16, 16, 16])


def _write_remarks(sheet: Worksheet, critique: CritiqueAnswer, locale: Locale, zone: ZoneInfo) -> None:
    words = WORDS[locale]
    titles = criterion_titles(critique, locale)
    lessons = {lesson.id: lesson.title for lesson in critique.lessons}
    _add(sheet, [words[key] for key in ("lesson", "reviewer", "criterion", "remark")], head=True)
    for item in critique.sheets:
        for row in remark_rows(item, titles, words, zone):
            _add(sheet, [lessons[item.lesson_id], *row])
    _set_widths(sheet, [28, 18, 24, 90])


def _write_notes(
    sheet: Worksheet, critique: CritiqueAnswer, notes: dict[str, list[NoteAnswer]], words: dict[str, str]
) -> None:
    _add(sheet, [words[key] for key in ("lesson", "position", "kind", "author", "text")], head=True)
    for lesson in critique.lessons:
        for note in notes.get(lesson.id, []):
            at = "" if note.at_ms is None else position_text(note.at_ms)
            _add(sheet, [lesson.title, at, words[note.kind], note.author, note.text])
    _set_widths(sheet, [28, 12, 12, 18, 90])


def _add(sheet: Worksheet, values: Sequence[Value], *, head: bool = False, bold: bool = False) -> None:
    row = 1 if sheet.max_row == 1 and sheet.cell(1, 1).value is None else sheet.max_row + 1
    if not values:
        sheet.append([" "])
        return
    for column, value in enumerate(values, 1):
        cell = sheet.cell(row, column)
        assert isinstance(cell, Cell)  # noqa: S101 - nothing is merged here
        if isinstance(value, str):
            cell.value = ILLEGAL_CHARACTERS_RE.sub("", value)
            cell.data_type = "s"
        else:
            cell.value = value
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        if head or bold:
            cell.font = Font(bold=True)
        if head:
            cell.fill = HEAD_FILL


def _set_widths(sheet: Worksheet, widths: Sequence[int]) -> None:
    for index, width in enumerate(widths):
        sheet.column_dimensions["ABCDEFG"[index]].width = width
