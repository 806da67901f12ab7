"""Endpoints of timed notes about a lesson."""

from fastapi import APIRouter, status
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.api.dependencies import PartsDependency, PersonDependency
from service.lessons.finding import find_lesson
from service.lessons.tables import Lesson
from service.problems import NotAllowed
from service.reviews.access import may_take_notes
from service.reviews.notes import NoteAnswer, NoteRequest, Notes, delete_note, list_notes, put_note

router = APIRouter(tags=["reviews"])


@router.get("/lessons/{lesson_id}/notes")
def read_notes(lesson_id: str, parts: PartsDependency, person: PersonDependency) -> Notes:
    """Give your own notes about a lesson and those others share, by their moment."""
    with parts.database.reading() as session:
        return list_notes(session, person, _find(session, person, lesson_id))


@router.put("/lessons/{lesson_id}/notes/{note_id}")
def write_note(
    lesson_id: str, note_id: str, request: NoteRequest, parts: PartsDependency, person: PersonDependency
) -> NoteAnswer:
    """Write a note under an id your page made (32 hexadecimal digits), or change it; repeating it is harmless."""
    with parts.database.unit_of_work() as session:
        lesson = _find(session, person, lesson_id)
        return put_note(session, person, lesson, note_id, request, parts.clock.now())


@router.delete("/lessons/{lesson_id}/notes/{note_id}", status_code=status.HTTP_204_NO_CONTENT)
def remove_note(lesson_id: str, note_id: str, parts: PartsDependency, person: PersonDependency) -> None:
    """Take your own note away."""
    with parts.database.unit_of_work() as session:
        delete_note(session, person, _find(session, person, lesson_id), note_id)


def _find(session: Session, person: Person, lesson_id: str) -> Lesson:
    lesson = find_lesson(session, person, lesson_id)
    if not may_take_notes(person, lesson):
        raise NotAllowed("Notes are for those who may observe this lesson.")
    return lesson
