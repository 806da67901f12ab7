"""Names people sign in with: which are accepted, and when two are the same."""

import re
import unicodedata

_ACCEPTED = re.compile(r"[\w.@+-]{2,64}")


def username_key(username: str) -> str:
    """The form in which two names are compared: full-width and upper-case forms are the same person's."""
    return unicodedata.normalize("NFKC", username).strip().casefold()[:128]


def check_username(username: str) -> str:
    """The name as it will be shown. Raises ValueError if it cannot be typed reliably."""
    name = unicodedata.normalize("NFKC", username).strip()
    if not _ACCEPTED.fullmatch(name):
        raise ValueError("2 to 64 letters, digits or . @ + - _ are expected")
    return name
