"""What a check found: a subject, how grave it is, and in one sentence what was seen and what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How grave a finding is."""

    GOOD = "good"
    WARNING = "warning"
    """It will serve, but something will be missed one day."""
    FAILURE = "failure"
    """It will not serve."""


@dataclass(frozen=True)
class Finding:
    """One line of the report. `remedy` is empty when nothing is to be done."""

    subject: str
    grade: Grade
    text: str
    remedy: str = ""


def good(subject: str, text: str) -> Finding:
    """Nothing to do."""
    return Finding(subject, Grade.GOOD, text)


def warning(subject: str, text: str, remedy: str) -> Finding:
    """It serves, with a drawback."""
    return Finding(subject, Grade.WARNING, text, remedy)


def failure(subject: str, text: str, remedy: str) -> Finding:
    """It does not serve."""
    return Finding(subject, Grade.FAILURE, text, remedy)
