"""Rubrics: forms of criteria with points; two come with the product, organisations add their own."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from service.accounts.principal import Person
from service.api.forms import Identity, RequestBody, Text60
from service.organisation.tables import Organisation
from service.organisation.tree import ancestor_ids, find_organisation_in_subtree, in_subtree
from service.problems import Conflict, NotAllowed, NotFound
from service.reviews.tables import Rubric
from service.reviews.texts import RemarkText, readable

MOST_CRITERIA = 30
CriterionId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,32}$")]
CriterionTitle = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), AfterValidator(readable)
]


class Criterion(RequestBody):
    """One line of a rubric. `id` stays when the words change, so that scores keep their meaning."""

    id: CriterionId
    title: CriterionTitle
    title_en: Annotated[str, StringConstraints(strip_whitespace=True, max_length=160), AfterValidator(readable)] = ""
    hint: RemarkText = ""
    points: Annotated[int, Field(ge=1, le=100)]


class RubricRequest(RequestBody):
    """A rubric as an administrator writes it."""

    name: Text60
    organisation_id: Identity | None = None
    """Where it is kept; the writer's own organisation when not given. Cannot be changed later."""
    criteria: Annotated[list[Criterion], Field(min_length=1, max_length=MOST_CRITERIA)]

    @model_validator(mode="after")
    def _distinct(self) -> "RubricRequest":
        if len({criterion.id for criterion in self.criteria}) != len(self.criteria):
            raise ValueError("two criteria have the same id")
        return self


class RubricAnswer(BaseModel):
    """A rubric; those that come with the product belong to no organisation and cannot be changed."""

    id: str
    name: str
    name_en: str
    organisation: str | None
    criteria: list[Criterion]
    points: int
    may_edit: bool


class Rubrics(BaseModel):
    """The rubrics one may use."""

    items: list[RubricAnswer]
    total: int


def _criterion(identity: str, title: str, title_en: str, hint: str, points: int) -> dict[str, Any]:
    return {"id": identity, "title": title, "title_en": title_en, "hint": hint, "points": points}


BUILT_IN: dict[str, tuple[str, str, list[dict[str, Any]]]] = {
    "synchronous": (
        "同步课堂评课表",
        "Synchronous lesson",
        [
            _criterion("goals", "教学目标", "Aims", "目标明确，符合课程标准和两端学情", 15),
            _criterion("content", "教学内容", "Content", "重点突出，难点化解，容量适当", 15),
            _criterion("both_rooms", "两端兼顾", "Care for every room", "关注接收教室，提问与反馈覆盖各教室", 20),
            _criterion("interaction", "课堂互动", "Interaction", "远端学生真正参与，师生、生生互动有效", 20),
            _criterion("accompanying", "辅助教师配合", "Accompanying teacher", "辅助教师组织、辅导、反馈及时", 15),
            _criterion("media", "画面声音与课件", "Picture, sound and slides", "看得清、听得清，信息技术使用恰当", 15),
        ],
    ),
    "classroom": (
        "课堂教学评价表",
        "Classroom teaching",
        [
            _criterion("goals", "教学目标", "Aims", "目标具体、可检测", 20),
            _criterion("content", "教学内容", "Content", "科学准确，重难点处理得当", 20),
            _criterion("process", "教学过程", "Course of teaching", "环节清楚，节奏合理，方法得当", 20),
            _criterion("learning", "学生学习", "Pupils' learning", "学生主动参与，思维活跃", 20),
            _criterion("effect", "教学效果", "Effect", "当堂达成目标，各层次学生都有收获", 20),
        ],
    ),
}
"""Rubrics that come with the product, by id: name, English name, criteria. Each has 100 points."""


def list_rubrics(session: Session, person: Person) -> Rubrics:
    """Give the product's own rubrics, those of the person's organisation and of all above it and below it."""
    above = Rubric.organisation_id.in_(ancestor_ids(person.organisation_path))
    below = Rubric.organisation_id.in_(select(Organisation.id).where(in_subtree(person.organisation_path)))
    own = session.scalars(select(Rubric).where(or_(above, below)).order_by(Rubric.name, Rubric.id))
    items = [*(_built_in(identity) for identity in BUILT_IN), *(answer(rubric, person) for rubric in own)]
    return Rubrics(items=items, total=len(items))


def find_rubric(session: Session, person: Person, rubric_id: str) -> RubricAnswer:
    """Give a rubric the person may use. Raises NotFound."""
    if rubric_id in BUILT_IN:
        return _built_in(rubric_id)
    return answer(_find_own(session, person, rubric_id), person)


def add_rubric(session: Session, person: Person, request: RubricRequest, now: datetime) -> RubricAnswer:
    """Keep a new rubric. Raises NotAllowed, NotFound for an organisation out of reach, Conflict for a taken name."""
    if not person.is_administrator:
        raise NotAllowed("Rubrics are kept by administrators.")
    organisation_id = request.organisation_id or person.organisation_id
    organisation = find_organisation_in_subtree(session, person.organisation_path, organisation_id)
    _require_free_name(session, organisation.id, request.name, None)
    rubric = Rubric(
        organisation_id=organisation.id,
        name=request.name,
        criteria=[criterion.model_dump() for criterion in request.criteria],
        created_by=person.user_id,
        created_at=now,
        changed_at=now,
    )
    session.add(rubric)
    session.flush()
    session.refresh(rubric)
    return answer(rubric, person)


def change_rubric(
    session: Session, person: Person, rubric_id: str, request: RubricRequest, now: datetime
) -> RubricAnswer:
    """Change a rubric; critiques already opened keep the words and points they were opened with."""
    rubric = _find_editable(session, person, rubric_id)
    _require_free_name(session, rubric.organisation_id, request.name, rubric.id)
    rubric.name, rubric.changed_at = request.name, now
    rubric.criteria = [criterion.model_dump() for criterion in request.criteria]
    session.flush()
    return answer(rubric, person)


def delete_rubric(session: Session, person: Person, rubric_id: str) -> None:
    """Take a rubric out of use; critiques opened with it keep theirs."""
    session.delete(_find_editable(session, person, rubric_id))


def answer(rubric: Rubric, person: Person) -> RubricAnswer:
    """A rubric as the person sees it."""
    criteria = [Criterion.model_validate(criterion) for criterion in rubric.criteria]
    return RubricAnswer(
        id=rubric.id,
        name=rubric.name,
        name_en="",
        organisation=rubric.organisation.name,
        criteria=criteria,
        points=sum(criterion.points for criterion in criteria),
        may_edit=_may_edit(person, rubric),
    )


def _built_in(identity: str) -> RubricAnswer:
    name, name_en, lines = BUILT_IN[identity]
    criteria = [Criterion.model_validate(line) for line in lines]
    return RubricAnswer(
        id=identity,
        name=name,
        name_en=name_en,
        organisation=None,
        criteria=criteria,
        points=sum(criterion.points for criterion in criteria),
        may_edit=False,
    )


def _find_own(session: Session, person: Person, rubric_id: str) -> Rubric:
    rubric = session.get(Rubric, rubric_id) if len(rubric_id) == 32 else None
    if rubric is None or not (
        person.may_see(rubric.organisation.path) or person.organisation_path.startswith(rubric.organisation.path)
    ):
        raise NotFound("There is no such rubric.")
    return rubric


def _find_editable(session: Session, person: Person, rubric_id: str) -> Rubric:
    if not person.is_administrator:
        raise NotAllowed("Rubrics are kept by administrators.")
    if rubric_id in BUILT_IN:
        raise NotAllowed("This rubric comes with the product; copy it to change it.", code="built_in_rubric")
    rubric = _find_own(session, person, rubric_id)
    if not _may_edit(person, rubric):
        raise NotAllowed("This rubric is kept by an organisation above yours; copy it to change it.")
    return rubric


def _may_edit(person: Person, rubric: Rubric) -> bool:
    return person.is_administrator and person.may_see(rubric.organisation.path)


def _require_free_name(session: Session, organisation_id: str, name: str, but: str | None) -> None:
    taken = select(Rubric.id).where(Rubric.organisation_id == organisation_id, Rubric.name == name)
    found = session.scalar(taken)
    if found is not None and found != but:
        raise Conflict("There is a rubric of this name already.", code="name_taken")
