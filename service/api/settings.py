"""What a page must know before anybody signs in, and the lists everybody shares: subjects and grades."""

from importlib.metadata import version

from fastapi import APIRouter
from pydantic import BaseModel

from service.accounts.people import is_set_up
from service.api.answers import Name
from service.api.dependencies import PartsDependency, PrincipalDependency
from service.organisation.curriculum import GRADES, SUBJECTS

router = APIRouter(tags=["settings"])


class Settings(BaseModel):
    """The deployment's settings that pages follow."""

    time_zone: str
    default_locale: str
    setup_needed: bool
    version: str


class CodedName(BaseModel):
    """A code and what it is called."""

    code: str
    name: Name


class CodedNames(BaseModel):
    """A list of coded names in the order they are shown."""

    items: list[CodedName]
    total: int


@router.get("/settings")
def read_settings(parts: PartsDependency) -> Settings:
    """The settings that pages follow."""
    with parts.database.reading() as session:
        setup_needed = not is_set_up(session)
    return Settings(
        time_zone=parts.configuration.time_zone,
        default_locale=parts.configuration.default_locale,
        setup_needed=setup_needed,
        version=version("three-classrooms"),
    )


@router.get("/subjects")
def list_subjects(_principal: PrincipalDependency) -> CodedNames:
    """All subjects."""
    return _coded(SUBJECTS)


@router.get("/grades")
def list_grades(_principal: PrincipalDependency) -> CodedNames:
    """All grades."""
    return _coded(GRADES)


def _coded(names: dict[str, dict[str, str]]) -> CodedNames:
    items = [CodedName(code=code, name=Name(**name)) for code, name in names.items()]
    return CodedNames(items=items, total=len(items))
