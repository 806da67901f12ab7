"""The forms in which requests give text, identities and pages of lists, and in which answers give lists."""

import unicodedata
from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints


class RequestBody(BaseModel):
    """What all request bodies share: a field nobody knows is a mistake and refused."""

    model_config = ConfigDict(extra="forbid")


def _printable(text: str) -> str:
    # Control characters, halves of surrogate pairs and code points without a character.
    if any(unicodedata.category(character) in {"Cc", "Cs", "Co", "Cn"} for character in text):
        raise ValueError("contains characters that cannot be shown")
    return text


Text60 = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60), AfterValidator(_printable)
]
Text120 = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), AfterValidator(_printable)
]
Identity = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""An id in a body or query; in a path use plain `str`: what has another form is simply not found."""

Limit = Annotated[int, Query(ge=1, le=200, description="Most items to return.")]
Offset = Annotated[int, Query(ge=0, le=1_000_000, description="Items to skip.")]
SearchText = Annotated[str | None, Query(max_length=100, description="Part of a name.")]
