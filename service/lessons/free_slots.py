"""The nearest periods of the lead school in which everything a refused booking wants is free."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from scheduler.clashes import Claim, nearest_free
from scheduler.errors import TimetableError
from scheduler.timetable import Bells, Slot, parse_period, slots
from service.lessons.amounts import used_of
from service.lessons.capacity import buckets_of
from service.lessons.claim_store import Hold
from service.lessons.desk import Desk
from service.lessons.overlaps import held_near
from service.lessons.tables import Lesson, LessonAmount
from service.lessons.times import FURTHEST_AHEAD
from service.organisation.bells import Ringing

DAYS_AROUND = 7
OFFERED = 3
SATURDAY = 5


def free_slots(session: Session, lesson: Lesson, wanted: Hold, desk: Desk, offered: int = OFFERED) -> Sequence[Slot]:
    """Up to `offered` periods within a week of the wished time, nearest first; none when the school has no bells."""
    among = _periods_around(session, lesson, desk)
    if not among:
        return ()
    starts_at, ends_at = among[0].starts_at, among[-1].ends_at
    resources = {claim.resource for claim, _receiver in wanted.claims}
    booked = held_near(session, [claim for r in resources for claim in _windows(r, starts_at, ends_at)])
    enough = [slot for slot in among if slot.starts_at >= desk.now]
    enough = _with_enough(session, lesson, wanted, enough)
    return nearest_free(resources, booked, enough, lesson.starts_at, except_lesson=lesson.id, limit=offered)


def _periods_around(session: Session, lesson: Lesson, desk: Desk) -> list[Slot]:
    ringing = Ringing(session, lesson.lead_school)
    wished = lesson.starts_at.astimezone(desk.zone).date()
    today = desk.now.astimezone(desk.zone).date()
    days = [wished + timedelta(days=offset) for offset in range(-DAYS_AROUND, DAYS_AROUND + 1)]
    allowed = [day for day in days if today <= day < today + FURTHEST_AHEAD and _is_school_day(day, wished)]
    return [slot for day in allowed for slot in slots(_bells(ringing, day), [day], desk.zone)]


def _bells(ringing: Ringing, day: date) -> Bells:
    try:
        return Bells.of(parse_period(one.number, one.starts, one.ends) for one in ringing.on(day).periods)
    except TimetableError:
        return Bells(())


def _is_school_day(day: date, wished: date) -> bool:
    # Who wishes for a Saturday (a make-up day, say) may be offered that Saturday; nobody else is.
    return day.weekday() < SATURDAY or day == wished


def _windows(resource: object, starts_at: datetime, ends_at: datetime) -> list[Claim]:
    """Claims over the whole span, one a day: a held claim is looked up by its start within a few hours."""
    claims = []
    while starts_at < ends_at:
        until = min(starts_at + timedelta(days=1), ends_at)
        claims.append(Claim(resource, starts_at, until, "-"))  # type: ignore[arg-type]
        starts_at = until
    return claims


def _with_enough(session: Session, lesson: Lesson, wanted: Hold, among: list[Slot]) -> list[Slot]:
    """The slots in which enough is left of everything counted, the lesson's own use not counted."""
    if not wanted.amounts or not among:
        return among
    first = buckets_of(among[0].starts_at, among[0].ends_at).start
    end = buckets_of(among[-1].starts_at, among[-1].ends_at).stop
    used = used_of(session, [amount.counted for amount in wanted.amounts], first, end)
    for own in session.query(LessonAmount).filter_by(lesson_id=lesson.id):
        for bucket in range(own.first_bucket, own.end_bucket):
            key = (own.resource_kind, own.resource_id, bucket)
            used[key] = used.get(key, 0) - own.amount
    return [
        slot
        for slot in among
        if all(
            used.get((amount.counted.kind, amount.counted.id, bucket), 0) + amount.amount <= amount.cap
            for amount in wanted.amounts
            for bucket in buckets_of(slot.starts_at, slot.ends_at)
        )
    ]
