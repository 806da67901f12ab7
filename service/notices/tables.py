"""Tables of notices and of who has read them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from service.storage.base import Base, Id, new_id


class Notice(Base):
    """Something one person or one school is told; `kind` and `data` (JSON) become a sentence in the reader's language.

    A school's notice is for its administrators.
    """

    __tablename__ = "notices"
    __table_args__ = (
        CheckConstraint("(user_id IS NULL) <> (school_id IS NULL)", name="reader"),
        Index("ix_notices_user_id_created_at", "user_id", "created_at"),
        Index("ix_notices_school_id_created_at", "school_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    school_id: Mapped[str | None] = mapped_column(ForeignKey("organisations.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(40))
    data: Mapped[str] = mapped_column(Text)
    lesson_id: Mapped[str | None] = mapped_column(ForeignKey("lessons.id", ondelete="SET NULL"))
    event_id: Mapped[str | None] = mapped_column(Id)
    created_at: Mapped[datetime]


class NoticeRead(Base):
    """That a person has read a notice."""

    __tablename__ = "notice_reads"

    notice_id: Mapped[str] = mapped_column(ForeignKey("notices.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    read_at: Mapped[datetime]
