"""Tables of the organisation tree, classes, bells and terms."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.storage.base import Base, Id, new_id

KINDS = ("nation", "province", "prefecture", "county", "school")
"""Kinds of organisation from the top; a child is always further right than its parent."""

PATH_LENGTH = 33 * len(KINDS) + 1


class Organisation(Base):
    """A node of the tree. `path` is "/" + every id from the root to itself, each followed by "/"."""

    __tablename__ = "organisations"
    __table_args__ = (CheckConstraint(f"kind IN {KINDS!r}", name="kind"), UniqueConstraint("parent_id", "name"))

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(20))
    path: Mapped[str] = mapped_column(String(PATH_LENGTH), unique=True)
    is_root: Mapped[bool | None] = mapped_column(unique=True)
    """True or nothing: a deployment has one tree, and uniqueness ignores nothing."""
    created_at: Mapped[datetime]

    parent: Mapped["Organisation | None"] = relationship(remote_side="Organisation.id")

    @property
    def depth(self) -> int:
        """Steps below the root, which is 0."""
        return self.path.count("/") - 2


class SchoolClass(Base):
    """A class (班) of one school."""

    __tablename__ = "classes"
    __table_args__ = (UniqueConstraint("organisation_id", "grade", "name"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    name: Mapped[str] = mapped_column(String(60))
    grade: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]

    school: Mapped[Organisation] = relationship()


class Period(Base):
    """One period (节次) of an organisation's bells; local times "HH:MM" in the deployment's zone."""

    __tablename__ = "periods"

    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    starts: Mapped[str] = mapped_column(String(5))
    ends: Mapped[str] = mapped_column(String(5))


class Term(Base):
    """A term of an organisation and everything below it; both days belong to it."""

    __tablename__ = "terms"
    __table_args__ = (UniqueConstraint("organisation_id", "name"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"))
    name: Mapped[str] = mapped_column(String(60))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
