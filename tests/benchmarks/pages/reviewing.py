"""What researchers do with a month of lessons: timed notes, rubrics, critiques with their sheets, lessons compared."""

import itertools
from typing import Any

from month import OBSERVERS, Month
from prefecture import Prefecture, identity

from service.organisation.tables import Organisation
from service.replay.tables import RecordingDigest
from service.reviews.comparison_tables import ComparedLesson, Comparison
from service.reviews.tables import (
    Critique,
    CritiqueLesson,
    CritiqueReply,
    CritiqueReviewer,
    CritiqueSheet,
    LessonNote,
    Rubric,
)

CRITIQUES, REVIEWERS, COMPARISONS = 1_000, 3, 200
NOTES_EVERY, NOTES_OF_ONE = 10, 150
SPEECH_PARTS = 400
CRITERIA = [
    {"id": name, "title": name, "title_en": "", "hint": "", "points": 20} for name in ("aims", "content", "way")
]


class Reviewing:
    """The rows, added to those of the month."""

    def __init__(self, prefecture: Prefecture, month: Month) -> None:
        self._rows, self._now = prefecture.rows, prefecture.now
        self._recorded = [one for one in month.held if one["recorded"]]
        self._researchers = itertools.cycle(identity(f"researcher {number}") for number in range(OBSERVERS))
        self._notes()
        self._rubrics()
        for number in range(CRITIQUES):
            self._critique(number)
        for number in range(COMPARISONS):
            self._comparison(number)
        self._digests(month.held[0]["id"])

    def _notes(self) -> None:
        for number, lesson in enumerate(self._recorded):
            for at in range(NOTES_OF_ONE if number == 0 else NOTES_EVERY):
                self._rows[LessonNote].append(
                    {
                        "id": identity(f"note {number} {at}"),
                        "lesson_id": lesson["id"],
                        "author_id": next(self._researchers),
                        "at": lesson["starts_at"],
                        "kind": "praise",
                        "text": "提问面向全体，接收教室的学生也有机会回答。",
                        "shared": True,
                        "created_at": lesson["ends_at"],
                        "changed_at": lesson["ends_at"],
                    }
                )

    def _rubrics(self) -> None:
        places = [row for row in self._rows[Organisation] if row["kind"] != "school"]
        schools = [row for row in self._rows[Organisation] if row["kind"] == "school"][::10]
        for place in places + schools:
            self._rows[Rubric].append(
                {
                    "id": identity(f"rubric {place['id']}"),
                    "organisation_id": place["id"],
                    "name": "评课表",
                    "criteria": CRITERIA,
                    "created_by": identity("administrator"),
                    "created_at": self._now,
                    "changed_at": self._now,
                }
            )

    def _critique(self, number: int) -> None:
        lesson = self._recorded[number % len(self._recorded)]
        closed = lesson["ends_at"] if number % 3 else None
        critique = {
            "id": identity(f"critique {number}"),
            "title": f"第{number}次评课",
            "purpose": "critique",
            "rubric_name": "评课表",
            "criteria": CRITERIA,
            "blind": True,
            "due_on": None,
            "comparison_id": None,
            "opened_by": next(self._researchers),
            "opened_at": lesson["ends_at"],
            "closed_at": closed,
        }
        self._rows[Critique].append(critique)
        self._rows[CritiqueLesson].append({"critique_id": critique["id"], "lesson_id": lesson["id"], "position": 0})
        for position in range(REVIEWERS):
            self._sheet(critique, lesson, position)

    def _sheet(self, critique: dict[str, Any], lesson: dict[str, Any], position: int) -> None:
        reviewer, sheet = next(self._researchers), identity(f"sheet {critique['id']} {position}")
        of_critique = {"critique_id": critique["id"]}
        handed_in = {"position": position, "handed_in_at": critique["closed_at"]}
        self._rows[CritiqueReviewer].append(of_critique | {"user_id": reviewer} | handed_in)
        self._rows[CritiqueSheet].append(
            of_critique
            | {
                "id": sheet,
                "lesson_id": lesson["id"],
                "reviewer_id": reviewer,
                "scores": {one["id"]: 17 for one in CRITERIA},
                "remarks": {"aims": "目标清楚，两端学生都能达到。"},
                "summary": "节奏合适，接收教室的互动还可以更多。" * 5,
                "changed_at": lesson["ends_at"],
            }
        )
        reply = {"sheet_id": sheet, "author_id": lesson["lead_teacher_id"], "text": "谢谢，下次注意。"}
        self._rows[CritiqueReply].append(reply | {"id": identity(f"reply {sheet}"), "created_at": lesson["ends_at"]})

    def _comparison(self, number: int) -> None:
        comparison = identity(f"comparison {number}")
        self._rows[Comparison].append(
            {
                "id": comparison,
                "title": f"第{number}组同课异构",
                "locked_by": "time",
                "created_by": next(self._researchers),
                "created_at": self._now,
                "changed_at": self._now,
            }
        )
        for position in range(2):
            lesson = self._recorded[(2 * number + position) % len(self._recorded)]
            part = {"comparison_id": comparison, "lesson_id": lesson["id"], "position": position}
            self._rows[ComparedLesson].append(part | {"phases": {"introduction": 0, "practice": 900_000}})

    def _digests(self, lesson_id: str) -> None:
        """What was read off one lesson's files."""
        for position in range(4):
            stream = identity(f"stream {lesson_id} {position}")
            self._rows[RecordingDigest].append(
                {
                    "stream_id": stream,
                    "made_at": self._now,
                    "problem": None,
                    "speech": [[at * 5_000, at * 5_000 + 4_000] for at in range(SPEECH_PARTS)],
                    "sheet_key": f"{stream}.jpg",
                    "sheet_bytes": 90_000,
                    "tile_width": 160,
                    "tile_height": 90,
                    "columns": 10,
                    "tiles": [at * 10_000 for at in range(240)],
                }
            )
