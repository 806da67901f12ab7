"""Tables of people and their sessions."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.accounts.roles import Role
from service.organisation.tables import Organisation
from service.storage.base import Base, Id, new_id


class User(Base):
    """A person with an account. `username_key` is the name in the form two names are compared in."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    username: Mapped[str] = mapped_column(String(64))
    username_key: Mapped[str] = mapped_column(String(128), unique=True)
    display_name: Mapped[str] = mapped_column(String(60))
    password_hash: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(40))
    organisation_id: Mapped[str] = mapped_column(ForeignKey("organisations.id"), index=True)
    locale: Mapped[str] = mapped_column(String(10))
    disabled: Mapped[bool] = mapped_column(default=False)
    one_time_password: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the password was handed out on paper: the first thing its owner does is to choose another."""
    created_at: Mapped[datetime]

    organisation: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)

    @property
    def typed_role(self) -> Role:
        """The role as the enumeration knows it."""
        return Role(self.role)


class UserSession(Base):
    """A signed-in browser; the token itself is known to that browser only, here is its SHA-256."""

    __tablename__ = "user_sessions"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)
