"""Who may read and write reviews: one plain function for each right, in the one place all of reviews asks."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, exists, or_, select

from service.accounts.principal import Person
from service.accounts.tables import User
from service.lessons.rights import may_replay, role_in_lesson
from service.lessons.tables import Lesson, Receiver
from service.organisation.tables import Organisation
from service.reviews.tables import Critique, CritiqueLesson, CritiqueReviewer, LessonNote
from service.rooms.tables import Room


def may_review(person: Person) -> bool:
    """Whether the role carries the right to open critiques and comparisons, within the subtree."""
    return person.is_administrator or person.may("lessons.observe")


def watches_over(person: Person, lesson: Lesson) -> bool:
    """Whether the person looks at the lesson from above: researchers, inspectors and administrators of its schools."""
    return may_review(person) and may_replay(person, lesson)


def answers_for(person: Person, maker: User, lessons: Iterable[Lesson]) -> bool:
    """Whether the person may end or change what `maker` made over the lessons: the maker, and administrators of or
    above the maker's organisation or all of the lead schools. A receiving school's only reads it."""
    if maker.id == person.user_id:
        return True
    return person.is_administrator and (
        person.may_see(maker.organisation.path) or all(person.may_see(lesson.lead_school.path) for lesson in lessons)
    )


def taught(person: Person, lesson: Lesson) -> bool:
    """Whether the person is the lead teacher or an accompanying teacher of the lesson."""
    return role_in_lesson(person, lesson) in ("lead", "teacher")


def taught_by(person: Person) -> ColumnElement[bool]:
    """`taught`, as a condition on Lesson."""
    return or_(
        Lesson.lead_teacher_id == person.user_id,
        exists().where(
            Receiver.lesson_id == Lesson.id,
            Receiver.accompanying_teacher_id == person.user_id,
            Receiver.state == "accepted",
        ),
    )


def watched_over_by(person: Person) -> ColumnElement[bool]:
    """`watches_over`, as a condition on Lesson, for a person who may review; a test holds the two equal."""
    in_subtree = Organisation.path.startswith(person.organisation_path)
    rooms = select(Room.id).join(Organisation, Organisation.id == Room.organisation_id).where(in_subtree)
    return or_(
        taught_by(person),
        Lesson.lead_school_id.in_(select(Organisation.id).where(in_subtree)),
        exists().where(
            Receiver.lesson_id == Lesson.id,
            Receiver.state.in_(("pending", "accepted")),
            Receiver.room_id.in_(rooms),
        ),
    )


def may_take_notes(person: Person, lesson: Lesson) -> bool:
    """Whether the person may write notes about the lesson: its observers, and its teachers for themselves."""
    return may_replay(person, lesson)


def person_behind(user: User) -> Person:
    """The person an account stands for, to ask for somebody's rights who does not make this request."""
    return Person(
        user_id=user.id,
        username=user.username,
        display_name=user.display_name,
        role=user.typed_role,
        organisation_id=user.organisation_id,
        organisation_path=user.organisation.path,
        organisation_kind=user.organisation.kind,
        locale=user.locale,
        session_id="",
        csrf_token="",
    )


def readable_notes(person: Person) -> ColumnElement[bool]:
    """The condition that a note may be read by the person, once they may replay its lesson: own ones, and shared ones
    whose author does not sit over a blind critique of the same lesson that is still open."""
    sits_over_it = (
        select(CritiqueReviewer.user_id)
        .join(Critique, Critique.id == CritiqueReviewer.critique_id)
        .join(CritiqueLesson, CritiqueLesson.critique_id == Critique.id)
        .where(
            Critique.blind.is_(True),
            Critique.closed_at.is_(None),
            CritiqueLesson.lesson_id == LessonNote.lesson_id,
            CritiqueReviewer.user_id == LessonNote.author_id,
        )
    )
    return (LessonNote.author_id == person.user_id) | (LessonNote.shared.is_(True) & ~exists(sits_over_it))
