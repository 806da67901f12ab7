"""A critique as an Excel workbook: the scores of all reviewers beside each other, their remarks, replies and notes.

Text is written as text: openpyxl would take what begins with "=" for a formula.
"""

from collections.abc import Iterable, Sequence
from io import BytesIO
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.worksheet import Worksheet

from service.configuration import Locale
from service.reviews.critique_schemas import CritiqueAnswer, CritiquedLesson, SheetAnswer
from service.reviews.notes import NoteAnswer

Value = str | int | float | None
HEAD_FILL = PatternFill("solid", fgColor="DCEBEE")
WORDS: dict[Locale, dict[str, str]] = {
    "zh-CN": {
        "scores": "评分", "remarks": "评语与回复", "notes": "听课记录", "critique": "评课", "rubric": "量表",
        "lesson": "课题", "teacher": "主讲教师", "school": "学校", "time": "上课时间", "criterion": "评价项目",
        "points": "满分", "mean": "平均", "total": "合计", "reviewer": "评课人", "remark": "评语", "summary": "总评",
        "reply": "回复", "position": "时间点", "kind": "类别", "text": "内容", "author": "记录人",
        "note": "记录", "praise": "亮点", "question": "疑问", "suggestion": "建议", "handed_in": "提交时间",
    },
    "en": {
        "scores": "Scores", "remarks": "Remarks and replies", "notes": "Notes", "critique": "Critique",
        "rubric": "Rubric", "lesson": "Lesson", "teacher": "Lead teacher", "school": "School", "time": "Taught",
        "criterion": "Criterion", "points": "Points", "mean": "Mean", "total": "Total", "reviewer": "Reviewer",
        "remark": "Remark", "summary": "Summary", "reply": "Reply", "position": "At", "kind": "Kind", "text": "Text",
        "author": "Author", "note": "Note", "praise": "Praise", "question": "Question", "suggestion": "Suggestion",
        "handed_in": "Handed in",
    },
}  # fmt: skip


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


def position_text(position_ms: int) -> str:
    """Say a position as players do: 1:05, 1:01:05."""
    minutes, seconds = divmod(position_ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def _write_scores(sheet: Worksheet, critique: CritiqueAnswer, locale: Locale, zone: ZoneInfo) -> None:
    words = WORDS[locale]
    _add(sheet, [words["critique"], critique.title], bold=True)
    _add(sheet, [words["rubric"], critique.rubric_name])
    for lesson in critique.lessons:
        own = [item for item in critique.sheets if item.lesson_id == lesson.id]
        _add(sheet, [])
        _add(sheet, [words["lesson"], lesson.title, _about(lesson, zone)], bold=True)
        _add(sheet, [words["criterion"], words["points"], *(item.reviewer for item in own), words["mean"]], head=True)
        for criterion in critique.criteria:
            title = criterion.title_en if locale == "en" and criterion.title_en else criterion.title
            scores = [item.scores.get(criterion.id) for item in own]
            _add(sheet, [title, criterion.points, *scores, _mean(scores)])
        totals = [item.total for item in own]
        _add(sheet, [words["total"], critique.points, *totals, _mean(totals)], bold=True)
    _set_widths(sheet, [34, 12, 16, 16, 16, 16, 16])


def _write_remarks(sheet: Worksheet, critique: CritiqueAnswer, locale: Locale, zone: ZoneInfo) -> None:
    words = WORDS[locale]
    titles = {c.id: c.title_en if locale == "en" and c.title_en else c.title for c in critique.criteria}
    lessons = {lesson.id: lesson.title for lesson in critique.lessons}
    _add(sheet, [words[key] for key in ("lesson", "reviewer", "criterion", "remark")], head=True)
    for item in critique.sheets:
        for row in _remark_rows(item, titles, words, zone):
            _add(sheet, [lessons[item.lesson_id], *row])
    _set_widths(sheet, [28, 18, 24, 90])


def _remark_rows(
    item: SheetAnswer, titles: dict[str, str], words: dict[str, str], zone: ZoneInfo
) -> Iterable[list[Value]]:
    for identity, title in titles.items():
        if identity in item.remarks:
            yield [item.reviewer, title, item.remarks[identity]]
    if item.summary:
        yield [item.reviewer, words["summary"], item.summary]
    for reply in item.replies:
        when = reply.created_at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
        yield [reply.author, f"{words['reply']} {when}", reply.text]


def _write_notes(
    sheet: Worksheet, critique: CritiqueAnswer, notes: dict[str, list[NoteAnswer]], words: dict[str, str]
) -> None:
    _add(sheet, [words[key] for key in ("lesson", "position", "kind", "author", "text")], head=True)
    for lesson in critique.lessons:
        for note in notes.get(lesson.id, []):
            at = "" if note.at_ms is None else position_text(note.at_ms)
            _add(sheet, [lesson.title, at, words[note.kind], note.author, note.text])
    _set_widths(sheet, [28, 12, 12, 18, 90])


def _about(lesson: CritiquedLesson, zone: ZoneInfo) -> str:
    return f"{lesson.lead_teacher} · {lesson.lead_school} · {lesson.starts_at.astimezone(zone):%Y-%m-%d %H:%M}"


def _mean(values: Sequence[int | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 2) if known else None


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
