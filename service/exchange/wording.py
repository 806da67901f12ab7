"""Text as people type it: full-width forms, stray spaces, and when two names are the same."""

import unicodedata

_FULL_WIDTH = {code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}
_SPACES = dict.fromkeys((0x3000, 0x00A0, 0x2002, 0x2003, 0x2009, 0x202F), " ")
_INVISIBLE = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF), None)
_CLEANING = str.maketrans({**_FULL_WIDTH, **_SPACES, **_INVISIBLE})


def clean_text(text: str) -> str:
    """The text with ordinary digits, letters and single spaces; punctuation, full-width or not, stays as typed."""
    return " ".join(text.translate(_CLEANING).split())


def name_key(text: str) -> str:
    """The form in which two names are compared: width, case and spaces make no difference."""
    folded = unicodedata.normalize("NFKC", text.translate(_INVISIBLE)).casefold()
    folded = unicodedata.normalize("NFKC", folded)
    return "".join(folded.split())


def is_printable(text: str) -> bool:
    """Whether every character can be shown: no controls, no halves of pairs, no unassigned code points."""
    return not any(unicodedata.category(character) in {"Cc", "Cs", "Co", "Cn"} for character in text)


# A spreadsheet program takes such a beginning for a formula; "#" begins a note, "'" is the mark of escaping itself.
_ESCAPED = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "#", "＃", "'")


def escape(text: str) -> str:
    """The text as it is written into files: an apostrophe before what would be taken for a formula or a note."""
    return f"'{text}" if text.startswith(_ESCAPED) else text


def unescape(text: str) -> str:
    """The text `escape` was given."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_ESCAPED) else text
