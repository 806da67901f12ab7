"""Endpoints of lessons: listing, booking, changing, answering, beginning and ending."""

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, status

from service.api.dependencies import DeviceDependency, PartsDependency, PersonDependency
from service.api.forms import Identity, Limit, Offset
from service.api.time_parameters import From, To, interval_of
from service.audit.acts import made
from service.lessons import answers, booking, course, suggestions, weekly
from service.lessons.finding import LessonFilter, list_lessons
from service.lessons.schemas import (
    AnswerRequest,
    CancelRequest,
    DeviceLessons,
    LessonChange,
    LessonPage,
    LessonRequest,
    LessonView,
    ReplaceReceiverRequest,
    RestChanged,
    Suggestions,
    WeeklyBooked,
    WeeklyRequest,
)
from service.lessons.views import device_lessons, view_found, view_lesson, view_lessons

router = APIRouter(tags=["lessons"])

IdempotencyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=100,
        pattern=r"^[\x21-\x7e]+$",
        description="Sending the same booking again with the same key gives the lesson already booked.",
    ),
]


@router.get("/lessons")
def read_lessons(
    parts: PartsDependency,
    person: PersonDependency,
    starts: From = None,
    ends: To = None,
    state: Annotated[Literal["booked", "live", "ended", "cancelled"] | None, Query()] = None,
    room_id: Annotated[Identity | None, Query()] = None,
    teacher_id: Annotated[Identity | None, Query()] = None,
    mine: Annotated[bool, Query(description="Only lessons you lead, accompany or booked.")] = False,
    awaiting: Annotated[bool, Query(description="Only lessons that wait for your answer.")] = False,
    latest_first: Annotated[bool, Query(description="Backwards in time, for looking back.")] = False,
    limit: Limit = 50,
    offset: Offset = 0,
) -> LessonPage:
    """List the lessons that touch your subtree or that you teach in, by time."""
    first, last = interval_of(starts, ends, parts.configuration.zone)
    wanted = LessonFilter(first, last, state, room_id, teacher_id, mine, awaiting, latest_first)
    with parts.database.reading() as session:
        lessons, total = list_lessons(session, person, wanted, limit, offset)
        return LessonPage(items=view_lessons(session, person, lessons, parts.clock.now()), total=total)


@router.post("/lessons", status_code=status.HTTP_201_CREATED)
def book_lesson(
    request: LessonRequest, parts: PartsDependency, person: PersonDependency, key: IdempotencyHeader = None
) -> LessonView:
    """Book a lesson with all it needs, or be told what it clashes with (409 `booking_conflict`)."""
    desk = parts.desk()
    with parts.database.unit_of_work() as session:
        lesson = booking.book_lesson(session, person, request, desk, key)
        made(lesson_id=lesson.id)
        view = view_lesson(session, person, lesson, desk.now)
    parts.live.look()
    return view


@router.post("/lessons/series", status_code=status.HTTP_201_CREATED)
def book_series(request: WeeklyRequest, parts: PartsDependency, person: PersonDependency) -> WeeklyBooked:
    """Book a lesson for every week until a day, all or none; holidays are left out, make-up days are in."""
    desk = parts.desk()
    with parts.database.unit_of_work() as session:
        booked = weekly.book_weekly(session, person, request, desk)
        made(lesson_id=booked.lessons[0].id, series_id=booked.series_id)
        lessons = view_lessons(session, person, booked.lessons, desk.now)
    parts.live.look()
    return WeeklyBooked(series_id=booked.series_id, lessons=lessons, left_out=booked.left_out)


@router.post("/lessons/suggestions")
def suggest(request: LessonRequest, parts: PartsDependency, person: PersonDependency) -> Suggestions:
    """Give the periods nearest to the wished time in which everything asked for is free; nothing is booked."""
    desk = parts.desk()
    with parts.database.unit_of_work() as session:
        return Suggestions(items=suggestions.suggest_periods(session, person, request, desk))


@router.get("/lessons/{lesson_id}")
def read_lesson(lesson_id: str, parts: PartsDependency, person: PersonDependency) -> LessonView:
    """Give one lesson."""
    with parts.database.reading() as session:
        return view_found(session, person, lesson_id, parts.clock.now())


@router.patch("/lessons/{lesson_id}")
def change_lesson(lesson_id: str, change: LessonChange, parts: PartsDependency, person: PersonDependency) -> LessonView:
    """Move or edit a lesson that has not begun; 409 `stale` when somebody changed it since `version`."""
    desk = parts.desk()
    with parts.database.unit_of_work() as session:
        lesson = booking.change_lesson(session, person, lesson_id, change, desk)
        view = view_lesson(session, person, lesson, desk.now)
    parts.live.look()
    return view


@router.post("/lessons/{lesson_id}/cancel")
def cancel_lesson(
    lesson_id: str, parts: PartsDependency, person: PersonDependency, request: CancelRequest | None = None
) -> LessonView:
    """Call a lesson off before it begins; everything it claimed is free at once."""
    desk = parts.desk()
    with parts.database.unit_of_work() as session:
        reason = request.reason if request else ""
        lesson = booking.cancel_lesson(session, person, lesson_id, reason, desk)
        view = view_lesson(session, person, lesson, desk.now)
    parts.live.look()
    return view


@router.patch("/lessons/{lesson_id}/rest")
def change_series(
    lesson_id: str, change: LessonChange, parts: PartsDependency, person: PersonDependency
) -> RestChanged:
    """Move or edit this lesson of a weekly series and all after it."""
    desk = parts.desk()
    with parts.database.unit_of_work() as session:
        changed = RestChanged(lessons=len(weekly.change_rest(session, person, lesson_id, change, desk)))
    parts.live.look()
    return changed


@router.post("/lessons/{lesson_id}/rest/cancel")
def cancel_series(
    lesson_id: str, parts: PartsDependency, person: PersonDependency, request: CancelRequest | None = None
) -> RestChanged:
    """Call off this lesson of a weekly series and all after it."""
    desk = parts.desk()
    with parts.database.unit_of_work() as session:
        reason = request.reason if request else ""
        changed = RestChanged(lessons=len(weekly.cancel_rest(session, person, lesson_id, reason, desk)))
    parts.live.look()
    return changed


@router.post("/lessons/{lesson_id}/receivers", status_code=status.HTTP_201_CREATED)
def add_receiver(
    lesson_id: str, request: ReplaceReceiverRequest, parts: PartsDependency, person: PersonDependency
) -> LessonView:
    """Ask another receiving room; with `replaces` it takes the place of that receiver."""
    desk = parts.desk()
    with parts.database.unit_of_work() as session:
        lesson = answers.add_receiver(session, person, lesson_id, request, desk)
        session.refresh(lesson, ["receivers"])
        return view_lesson(session, person, lesson, desk.now)


@router.delete("/lessons/{lesson_id}/receivers/{receiver_id}")
def withdraw_receiver(lesson_id: str, receiver_id: str, parts: PartsDependency, person: PersonDependency) -> LessonView:
    """Take a receiving room out of the lesson."""
    desk = parts.desk()
    with parts.database.unit_of_work() as session:
        lesson = answers.withdraw_receiver(session, person, lesson_id, receiver_id, desk)
        return view_lesson(session, person, lesson, desk.now)


@router.post("/lessons/{lesson_id}/receivers/{receiver_id}/accept")
def accept_receiver(lesson_id: str, receiver_id: str, parts: PartsDependency, person: PersonDependency) -> LessonView:
    """Say yes for the receiving school."""
    desk = parts.desk()
    with parts.database.unit_of_work() as session:
        lesson = answers.accept(session, person, lesson_id, receiver_id, desk)
        return view_lesson(session, person, lesson, desk.now)


@router.post("/lessons/{lesson_id}/receivers/{receiver_id}/decline")
def decline_receiver(
    lesson_id: str,
    receiver_id: str,
    parts: PartsDependency,
    person: PersonDependency,
    request: AnswerRequest | None = None,
) -> LessonView:
    """Say no for the receiving school, with a note for the teacher."""
    desk = parts.desk()
    with parts.database.unit_of_work() as session:
        note = request.note if request else ""
        lesson = answers.decline(session, person, lesson_id, receiver_id, note, desk)
        return view_lesson(session, person, lesson, desk.now)


@router.post("/lessons/{lesson_id}/start")
def start_lesson(lesson_id: str, parts: PartsDependency, person: PersonDependency) -> LessonView:
    """Begin the lesson; recording begins with it."""
    now = parts.clock.now()
    with parts.database.unit_of_work() as session:
        lesson = course.start_lesson(session, person, lesson_id, now)
        session.flush()
        view = view_lesson(session, person, lesson, now)
    parts.live.look()
    return view


@router.post("/lessons/{lesson_id}/end")
def end_lesson(lesson_id: str, parts: PartsDependency, person: PersonDependency) -> LessonView:
    """End the lesson for everybody; its recording is made next."""
    now = parts.clock.now()
    with parts.database.unit_of_work() as session:
        lesson = course.end_lesson(session, person, lesson_id, now)
        session.flush()
        view = view_lesson(session, person, lesson, now)
    parts.live.look()
    return view


@router.get("/device/lesson", tags=["device"])
def read_device_lesson(parts: PartsDependency, device: DeviceDependency) -> DeviceLessons:
    """Give the lesson this room can join now, and its next one."""
    with parts.database.reading() as session:
        return device_lessons(session, device, parts.clock.now())
