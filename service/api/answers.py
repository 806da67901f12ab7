"""Shapes of answers that several features give: people, organisations, lists."""

from pydantic import BaseModel

from service.accounts.roles import Role
from service.accounts.tables import User
from service.organisation.tables import Organisation


class OrganisationBrief(BaseModel):
    """An organisation as others mention it."""

    id: str
    name: str
    kind: str
    path: str

    @classmethod
    def of(cls, node: Organisation) -> "OrganisationBrief":
        """From its row."""
        return cls(id=node.id, name=node.name, kind=node.kind, path=node.path)


class UserAnswer(BaseModel):
    """A person's account."""

    id: str
    username: str
    display_name: str
    role: Role
    organisation: OrganisationBrief
    locale: str
    disabled: bool

    @classmethod
    def of(cls, user: User) -> "UserAnswer":
        """From the row."""
        return cls(
            id=user.id,
            username=user.username,
            display_name=user.display_name,
            role=user.typed_role,
            organisation=OrganisationBrief.of(user.organisation),
            locale=user.locale,
            disabled=user.disabled,
        )


class Name(BaseModel):
    """A name in both languages."""

    zh: str
    en: str
