"""The forms of text people write in reviews: paragraphs, which keep their line breaks, and ids made by the page."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints


def readable(text: str) -> str:
    """Give text with plain line breaks. Raises ValueError for characters that cannot be shown."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for character in text:
        if character not in "\n\t" and unicodedata.category(character) in {"Cc", "Cs", "Co", "Cn"}:
            raise ValueError("contains characters that cannot be shown")
    return text


def _paragraphs(least: int, most: int) -> StringConstraints:
    return StringConstraints(strip_whitespace=True, min_length=least, max_length=most)


NoteText = Annotated[str, _paragraphs(1, 2000), AfterValidator(readable)]
RemarkText = Annotated[str, _paragraphs(0, 1000), AfterValidator(readable)]
SummaryText = Annotated[str, _paragraphs(0, 4000), AfterValidator(readable)]
