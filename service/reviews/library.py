"""The library of published sample lessons, searched by its readers, and the figures of nominations by county."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Integer, case, cast, func, select
from sqlalchemy.orm import Session, aliased

from service.accounts.principal import Person
from service.accounts.tables import User
from service.lessons.tables import Lesson
from service.organisation.tables import Organisation
from service.organisation.tree import ancestor_ids
from service.recordings.privacy_tables import RecordingPublication
from service.recordings.tables import Recording
from service.reviews.sample_schemas import CountyFigures, Library, LibraryItem, SampleFigures
from service.reviews.sample_tables import SampleLesson
from service.reviews.samples import known_to


@dataclass(frozen=True)
class LibraryFilter:
    """What is looked for; what is None does not restrict."""

    words: str | None = None
    subject: str | None = None
    grade: str | None = None
    kind: str | None = None
    teacher: str | None = None
    school: str | None = None
    year: int | None = None


def search_library(session: Session, person: Person, wanted: LibraryFilter, limit: int, offset: int) -> Library:
    """Give a page of what is published for the person's organisation or one above it."""
    conditions = [
        SampleLesson.published_at.is_not(None),
        RecordingPublication.audience_id.in_(ancestor_ids(person.organisation_path)),
        *_conditions(wanted),
    ]
    joined = (
        select(SampleLesson, Recording.duration_ms)
        .join(Lesson, Lesson.id == SampleLesson.lesson_id)
        .join(RecordingPublication, RecordingPublication.lesson_id == SampleLesson.lesson_id)
        .join(Recording, Recording.lesson_id == SampleLesson.lesson_id)
        .where(*conditions)
    )
    total = session.scalar(select(func.count()).select_from(joined.with_only_columns(SampleLesson.id).subquery()))
    page = joined.order_by(SampleLesson.published_at.desc(), SampleLesson.id).limit(limit).offset(offset)
    items = [_item(sample, duration_ms) for sample, duration_ms in session.execute(page).unique()]
    return Library(items=items, total=total or 0)


def figures_by_county(session: Session, person: Person, year: int | None) -> SampleFigures:
    """Count nominations by county as far as the person may know of them; withdrawn ones are not counted."""
    conditions = [known_to(person), SampleLesson.state != "withdrawn"]
    if year is not None:
        conditions.append(SampleLesson.school_year == year)
    county = aliased(Organisation)

    def how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return cast(func.coalesce(func.sum(case((condition, 1), else_=0)), 0), Integer)

    statement = (
        select(
            SampleLesson.county_id,
            func.coalesce(county.name, ""),
            func.count(),
            how_many(SampleLesson.state == "in_review"),
            how_many(SampleLesson.state == "selected"),
            how_many(SampleLesson.state == "declined"),
            how_many(SampleLesson.published_at.is_not(None)),
        )
        .select_from(SampleLesson)
        .join(Lesson, Lesson.id == SampleLesson.lesson_id)
        .outerjoin(county, county.id == SampleLesson.county_id)
        .where(*conditions)
        .group_by(SampleLesson.county_id, county.name)
        .order_by(county.name)
    )
    items = [
        CountyFigures(
            county_id=row[0], county=row[1], nominated=row[2], in_review=row[3], selected=row[4], declined=row[5],
            published=row[6],
        )
        for row in session.execute(statement)
    ]  # fmt: skip
    names = ("nominated", "in_review", "selected", "declined", "published")
    sums = {name: sum(getattr(item, name) for item in items) for name in names}
    return SampleFigures(year=year, items=items, total=CountyFigures(county_id=None, county="", **sums))


def _conditions(wanted: LibraryFilter) -> list[ColumnElement[bool]]:
    teachers = select(User.id)
    schools = select(Organisation.id)
    conditions: list[ColumnElement[bool]] = []
    if wanted.words:
        conditions.append(
            Lesson.title.icontains(wanted.words, autoescape=True)
            | Lesson.lead_teacher_id.in_(teachers.where(User.display_name.icontains(wanted.words, autoescape=True)))
            | Lesson.lead_school_id.in_(schools.where(Organisation.name.icontains(wanted.words, autoescape=True)))
        )
    if wanted.teacher:
        found = teachers.where(User.display_name.icontains(wanted.teacher, autoescape=True))
        conditions.append(Lesson.lead_teacher_id.in_(found))
    if wanted.school:
        named = schools.where(Organisation.name.icontains(wanted.school, autoescape=True))
        conditions.append(Lesson.lead_school_id.in_(named))
    exact = {Lesson.subject: wanted.subject, Lesson.grade: wanted.grade, Lesson.kind: wanted.kind}
    conditions += [column == value for column, value in exact.items() if value is not None]
    if wanted.year is not None:
        conditions.append(SampleLesson.school_year == wanted.year)
    return conditions


def _item(sample: SampleLesson, duration_ms: int | None) -> LibraryItem:
    lesson = sample.lesson
    return LibraryItem.model_validate(
        {
            "lesson_id": lesson.id,
            "title": lesson.title,
            "kind": lesson.kind,
            "subject": lesson.subject,
            "grade": lesson.grade,
            "starts_at": lesson.starts_at,
            "lead_teacher": lesson.lead_teacher.display_name,
            "lead_school": lesson.lead_school.name,
            "county": sample.county.name if sample.county is not None else "",
            "school_year": sample.school_year,
            "published_at": sample.published_at,
            "duration_ms": duration_ms,
        }
    )
