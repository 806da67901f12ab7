"""A critique as a word processor's document: what researchers hand on, with scores, remarks, replies and notes."""

from zoneinfo import ZoneInfo

from service.configuration import Locale
from service.reviews.critique_schemas import CritiqueAnswer, CritiquedLesson
from service.reviews.critique_words import WORDS, about, criterion_titles, mean_of_known, position_text, remark_rows
from service.reviews.notes import NoteAnswer
from service.reviews.word_document import WordDocument


def critique_document(
    critique: CritiqueAnswer, notes: dict[str, list[NoteAnswer]], locale: Locale, zone: ZoneInfo
) -> bytes:
    """Make the document of a critique as one reader sees it; `notes` by the lesson's id."""
    words = WORDS[locale]
    document = WordDocument()
    document.heading(critique.title)
    reviewers = [f"{one.name} ({one.organisation})" for one in critique.reviewers]
    document.paragraph(f"{words['rubric']}: {critique.rubric_name}\n{words['reviewer']}: {', '.join(reviewers)}")
    for lesson in critique.lessons:
        document.heading(lesson.title, 2)
        document.paragraph(about(lesson, zone))
        _add_scores(document, critique, lesson, locale)
        _add_remarks(document, critique, lesson, locale, zone)
        _add_notes(document, notes.get(lesson.id, []), words)
    return document.content()


def _add_scores(document: WordDocument, critique: CritiqueAnswer, lesson: CritiquedLesson, locale: Locale) -> None:
    words, titles = WORDS[locale], criterion_titles(critique, locale)
    own = [sheet for sheet in critique.sheets if sheet.lesson_id == lesson.id]
    rows = [[words["criterion"], words["points"], *(sheet.reviewer for sheet in own), words["mean"]]]
    for criterion in critique.criteria:
        scores = [sheet.scores.get(criterion.id) for sheet in own]
        rows.append([titles[criterion.id], *_figures(criterion.points, *scores, mean_of_known(scores))])
    totals = [sheet.total for sheet in own]
    rows.append([words["total"], *_figures(critique.points, *totals, mean_of_known(totals))])
    document.heading(words["scores"], 3)
    document.table(rows, [3, 1, *(1 for _ in own), 1])


def _add_remarks(
    document: WordDocument, critique: CritiqueAnswer, lesson: CritiquedLesson, locale: Locale, zone: ZoneInfo
) -> None:
    words, titles = WORDS[locale], criterion_titles(critique, locale)
    sheets = [sheet for sheet in critique.sheets if sheet.lesson_id == lesson.id]
    rows = [row for sheet in sheets for row in remark_rows(sheet, titles, words, zone)]
    if rows:
        document.heading(words["remarks"], 3)
        document.table([[words["reviewer"], words["criterion"], words["remark"]], *rows], [1.2, 1.6, 5])


def _add_notes(document: WordDocument, notes: list[NoteAnswer], words: dict[str, str]) -> None:
    if not notes:
        return
    rows = [
        ["" if note.at_ms is None else position_text(note.at_ms), words[note.kind], note.author, note.text]
        for note in notes
    ]
    document.heading(words["notes"], 3)
    document.table([[words[key] for key in ("position", "kind", "author", "text")], *rows], [0.8, 0.8, 1.2, 5])


def _figures(*values: float | None) -> list[str]:
    return ["" if value is None else f"{value:g}" for value in values]
