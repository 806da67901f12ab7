"""Tables of the exchange: the codes schools and teachers have elsewhere, and uploads that wait to be applied."""

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.base import Base, Id, new_id


class SchoolCode(Base):
    """The official code of a school (学校标识码), by which other systems and imported files know it."""

    __tablename__ = "school_codes"

    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id", ondelete="CASCADE"), primary_key=True)
    code: Mapped[str] = mapped_column(String(60))
    code_key: Mapped[str] = mapped_column(String(120), unique=True)


class StaffNumber(Base):
    """A teacher's number (工号). Not unique: two counties may both have a T0001."""

    __tablename__ = "staff_numbers"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[str] = mapped_column(String(60))


class Import(Base):
    """A file somebody uploaded and looked at; `content` is dropped once it is applied.

    `digest` stands for the changes that were shown: others than these are never applied.
    """

    __tablename__ = "imports"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    file_name: Mapped[str] = mapped_column(String(200))
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]
