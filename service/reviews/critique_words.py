"""What the exports of a critique have in common: the words of both languages, and how rows of it are put together."""

from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from service.configuration import Locale
from service.reviews.critique_schemas import CritiqueAnswer, CritiquedLesson, SheetAnswer

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


def position_text(position_ms: int) -> str:
    """Say a position as players do: 1:05, 1:01:05."""
    minutes, seconds = divmod(position_ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def criterion_titles(critique: CritiqueAnswer, locale: Locale) -> dict[str, str]:
    """Give the criteria's titles in a language as far as they have one in it, by their ids."""
    return {one.id: one.title_en if locale == "en" and one.title_en else one.title for one in critique.criteria}


def remark_rows(
    item: SheetAnswer, titles: dict[str, str], words: dict[str, str], zone: ZoneInfo
) -> Iterable[tuple[str, str, str]]:
    """Give (who, about what, text) of everything written on a sheet: remarks, summary, replies."""
    for identity, title in titles.items():
        if identity in item.remarks:
            yield item.reviewer, title, item.remarks[identity]
    if item.summary:
        yield item.reviewer, words["summary"], item.summary
    for reply in item.replies:
        when = reply.created_at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
        yield reply.author, f"{words['reply']} {when}", reply.text


def about(lesson: CritiquedLesson, zone: ZoneInfo) -> str:
    """Say who taught the lesson, where and when."""
    return f"{lesson.lead_teacher} · {lesson.lead_school} · {lesson.starts_at.astimezone(zone):%Y-%m-%d %H:%M}"


def mean_of_known(values: Sequence[int | None]) -> float | None:
    """Give the mean of the values there are, None without any."""
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 2) if known else None
