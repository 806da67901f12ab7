"""Sample lessons (示范课例): nominated, reviewed by assigned experts, selected, published for an organisation."""

from datetime import datetime
from statistics import fmean
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.accounts.roles import Role
from service.lessons.finding import find_lesson
from service.lessons.tables import Lesson
from service.organisation.tables import Organisation
from service.organisation.tree import ancestor_ids, in_subtree
from service.problems import Conflict, NotAllowed, NotFound
from service.recordings import sharing
from service.recordings.privacy_tables import RecordingPublication
from service.recordings.tables import Recording
from service.replay.observations import school_year_of
from service.reviews.access import may_review
from service.reviews.critique_schemas import CritiqueRequest
from service.reviews.critiques import open_critique
from service.reviews.sample_schemas import (
    DecisionRequest,
    NominationRequest,
    SampleAnswer,
    SampleReviewRequest,
    Samples,
)
from service.reviews.sample_tables import SampleLesson
from service.reviews.sheets import handed_in_at, total_of
from service.reviews.tables import Critique
from service.usage.rows import append_row

DECIDING_ROLES = (Role.SYSTEM_ADMINISTRATOR, Role.PREFECTURE_ADMINISTRATOR, Role.COUNTY_ADMINISTRATOR)


def nominate(
    session: Session, person: Person, request: NominationRequest, zone: ZoneInfo, now: datetime
) -> SampleLesson:
    """Nominate a recorded lesson; a withdrawn nomination may be renewed. Raises NotFound, NotAllowed, Conflict."""
    lesson = find_lesson(session, person, request.lesson_id)
    if lesson.lead_teacher_id != person.user_id and not _stands_above(person, lesson):
        raise NotAllowed("A lesson is nominated by its lead teacher, or by somebody above the lead school.")
    recording = session.get(Recording, lesson.id)
    if recording is None or recording.state != "ready":
        raise Conflict("Only a lesson with a finished recording can be nominated.", code="recording_not_ready")
    sample = session.scalar(select(SampleLesson).where(SampleLesson.lesson_id == lesson.id))
    if sample is None:
        county = select(Organisation.id).where(
            Organisation.id.in_(ancestor_ids(lesson.lead_school.path)), Organisation.kind == "county"
        )
        year = school_year_of(lesson.starts_at, zone)
        sample = SampleLesson(lesson_id=lesson.id, school_year=year, county_id=session.scalar(county))
        session.add(sample)
    elif sample.state != "withdrawn":
        raise Conflict("This lesson is nominated already.", code="already_nominated")
    sample.state, sample.reason, sample.decision_note = "nominated", request.reason, ""
    sample.nominated_by, sample.nominated_at = person.user_id, now
    sample.critique_id = sample.decided_at = sample.decided_by = None
    session.flush()
    session.refresh(sample)
    append_row(session, now, "sample_nominated", lesson_id=lesson.id, user_id=person.user_id)
    return sample


def find_sample(session: Session, person: Person, sample_id: str) -> SampleLesson:
    """Give a nomination the person may know of. Raises NotFound."""
    sample = session.get(SampleLesson, sample_id) if len(sample_id) == 32 else None
    if sample is None or not (sample.lesson.lead_teacher_id == person.user_id or _stands_above(person, sample.lesson)):
        raise NotFound("There is no such nomination.")
    return sample


def list_samples(
    session: Session, person: Person, state: str | None, year: int | None, limit: int, offset: int
) -> Samples:
    """Give a page of the nominations the person may know of, the newest first."""
    conditions = [known_to(person)]
    if state is not None:
        conditions.append(SampleLesson.state == state)
    if year is not None:
        conditions.append(SampleLesson.school_year == year)
    joined = select(SampleLesson).join(Lesson, Lesson.id == SampleLesson.lesson_id).where(*conditions)
    total = session.scalar(select(func.count()).select_from(joined.with_only_columns(SampleLesson.id).subquery()))
    page = joined.order_by(SampleLesson.nominated_at.desc(), SampleLesson.id).limit(limit).offset(offset)
    found = session.scalars(page).unique()
    return Samples(items=[answer(person, sample) for sample in found], total=total or 0)


def open_review(
    session: Session, person: Person, sample: SampleLesson, request: SampleReviewRequest, now: datetime
) -> None:
    """Have experts review a nomination, blind. Raises NotAllowed, Conflict, and what opening a critique raises."""
    _require_decider(person, sample)
    if sample.state != "nominated":
        raise Conflict("Only a new nomination is sent to review.", code="not_nominated")
    critique = CritiqueRequest(
        title=sample.lesson.title,
        lesson_ids=[sample.lesson_id],
        rubric_id=request.rubric_id,
        reviewer_ids=request.reviewer_ids,
        due_on=request.due_on,
    )
    sample.critique = open_critique(session, person, critique, "sample", now)
    sample.state = "in_review"
    session.flush()


def decide(session: Session, person: Person, sample: SampleLesson, request: DecisionRequest, now: datetime) -> None:
    """Select or decline. Raises Conflict while the experts' review is open, or once it is decided."""
    _require_decider(person, sample)
    if sample.state not in ("nominated", "in_review"):
        raise Conflict("This nomination is decided or withdrawn.", code="nomination_decided")
    if sample.critique is not None and sample.critique.closed_at is None:
        raise Conflict("The experts' review is still open.", code="review_open")
    sample.state, sample.decision_note = request.outcome, request.note
    sample.decided_by, sample.decided_at = person.user_id, now
    data = {"outcome": request.outcome}
    append_row(session, now, "sample_decided", lesson_id=sample.lesson_id, user_id=person.user_id, data=data)


def withdraw(session: Session, person: Person, sample: SampleLesson, now: datetime) -> None:
    """Take a nomination back while it is not decided."""
    if not may_withdraw(person, sample):
        raise NotAllowed("A nomination is taken back by who made it, or by who decides about it.")
    if sample.state not in ("nominated", "in_review"):
        raise Conflict("This nomination is decided or withdrawn.", code="nomination_decided")
    if sample.critique is not None and sample.critique.closed_at is None:
        sample.critique.closed_at = now
    sample.state = "withdrawn"


def publish(session: Session, person: Person, sample: SampleLesson, now: datetime) -> None:
    """Put a selected lesson into the library of the publisher's organisation and everything below it.

    Its pupils' rooms stay out of it unless their schools released them: that is decided where files are given out.
    Raises Conflict for a lesson that is not selected, or of which nothing could be shown.
    """
    _require_decider(person, sample)
    if sample.state != "selected":
        raise Conflict("Only a selected lesson can be published.", code="not_selected")
    recording = session.get(Recording, sample.lesson_id)
    if recording is None or recording.state != "ready" or not any(s.role == "lead" for s in recording.streams):
        raise Conflict("There is nothing that may be shown of this lesson.", code="recording_not_ready")
    standing = session.get(RecordingPublication, sample.lesson_id)
    if standing is None or not _reaches(session, standing.audience_id, person.organisation_path):
        sharing.publish(session, person, recording, person.organisation_id, now)
    sample.published_at = now
    session.flush()
    append_row(session, now, "sample_published", lesson_id=sample.lesson_id, user_id=person.user_id)


def unpublish(session: Session, person: Person, sample: SampleLesson, now: datetime) -> None:
    """Take a lesson out of the library; who may watch it otherwise still may."""
    _require_decider(person, sample)
    if sample.published_at is None:
        raise Conflict("This lesson is not published.", code="not_published")
    recording = session.get(Recording, sample.lesson_id)
    if recording is not None:
        sharing.unpublish(session, person, recording, now)
    sample.published_at = None
    append_row(session, now, "sample_unpublished", lesson_id=sample.lesson_id, user_id=person.user_id)


def answer(person: Person, sample: SampleLesson) -> SampleAnswer:
    """A nomination as the person sees it."""
    lesson, critique = sample.lesson, sample.critique
    over = critique is not None and critique.closed_at is not None
    return SampleAnswer(
        id=sample.id,
        lesson_id=lesson.id,
        title=lesson.title,
        kind=lesson.kind,  # type: ignore[arg-type]
        subject=lesson.subject,
        grade=lesson.grade,
        starts_at=lesson.starts_at,
        lead_teacher=lesson.lead_teacher.display_name,
        lead_school=lesson.lead_school.name,
        county=sample.county.name if sample.county is not None else "",
        school_year=sample.school_year,
        state=sample.state,  # type: ignore[arg-type]
        reason=sample.reason,
        nominated_by=sample.nominator.display_name,
        nominated_at=sample.nominated_at,
        critique_id=sample.critique_id,
        review_over=over,
        score=_score(critique) if over and critique is not None else None,
        decided_at=sample.decided_at,
        decision_note=sample.decision_note,
        published_at=sample.published_at,
        may_decide=may_decide(person, sample),
        may_withdraw=sample.state in ("nominated", "in_review") and may_withdraw(person, sample),
    )


def known_to(person: Person) -> ColumnElement[bool]:
    """The condition, on SampleLesson joined with Lesson, that the person may know of the nomination."""
    own = Lesson.lead_teacher_id == person.user_id
    if not may_review(person):
        return own
    schools = select(Organisation.id).where(in_subtree(person.organisation_path))
    return or_(own, and_(Lesson.lead_school_id.in_(schools)))


def may_decide(person: Person, sample: SampleLesson) -> bool:
    """Whether the person selects and publishes: administrators of the county and above."""
    return person.role in DECIDING_ROLES and person.may_see(sample.lesson.lead_school.path)


def may_withdraw(person: Person, sample: SampleLesson) -> bool:
    """Whether the person may take the nomination back."""
    own = person.user_id in (sample.nominated_by, sample.lesson.lead_teacher_id)
    return own or may_decide(person, sample)


def _stands_above(person: Person, lesson: Lesson) -> bool:
    return may_review(person) and person.may_see(lesson.lead_school.path)


def _require_decider(person: Person, sample: SampleLesson) -> None:
    if not may_decide(person, sample):
        raise NotAllowed("Administrators of the county and above decide about sample lessons.")


def _reaches(session: Session, audience_id: str, path: str) -> bool:
    audience = session.get(Organisation, audience_id)
    return audience is not None and path.startswith(audience.path)


def _score(critique: Critique) -> float | None:
    """The mean of the experts' totals in percent of the rubric's points."""
    points = sum(criterion["points"] for criterion in critique.criteria)
    totals = [total_of(critique, sheet) for sheet in critique.sheets if handed_in_at(critique, sheet) is not None]
    known = [total for total in totals if total is not None]
    return round(100 * fmean(known) / points, 2) if known else None
