"""The assumptions behind generated instances, in one place: what is known of a real prefecture and what is guessed.

Known: 8 counties, 1,193 schools, 739 recording rooms, most schools small. Everything else is a guess stated here, so
quote gaps to the bound from these instances, not coverage.
"""

from dataclasses import dataclass, field
from types import MappingProxyType

SCHOOLS = 1_193
STUDIOS = 739
COUNTY_PUPILS = (80_888, 76_210, 71_544, 66_012, 60_475, 54_930, 48_315, 42_083)
SUBJECTS = ("music", "art", "english", "science", "it")
EDITIONS = MappingProxyType(
    {"music": ("A", "B"), "art": ("A", "B"), "english": ("A", "B"), "science": ("A", "B", "C"), "it": ("A",)}
)
FIRST_GRADE = MappingProxyType({"music": 1, "art": 1, "english": 3, "science": 1, "it": 3})


def lessons_a_week(subject: str, grade: int) -> int:
    """The hours a week the curriculum wants of a subject in a grade."""
    if subject == "science":
        return 1 if grade <= 2 else 2
    return {"music": 2, "art": 2, "english": 3, "it": 1}[subject]


@dataclass(frozen=True, slots=True)
class SchoolKind:
    """What schools of one kind look like; shares are probabilities, spans are (lowest, highest)."""

    name: str
    share: float
    classes: tuple[int, int]
    gaps: MappingProxyType[str, tuple[float, float]]
    spare_periods: int
    kits: tuple[int, int]
    studios: float
    leads: float
    grades: int = 6


def _gaps(
    music: float, art: float, english: float, science: float, it: float
) -> MappingProxyType[str, tuple[float, float]]:
    values = {"music": music, "art": art, "english": english, "science": science, "it": it}
    return MappingProxyType({subject: (value, value) for subject, value in values.items()})


def _gap_span(low: float, high: float) -> MappingProxyType[str, tuple[float, float]]:
    return MappingProxyType(dict.fromkeys(SUBJECTS, (low, high)))


KINDS = (
    SchoolKind("teaching_point", 0.38, (2, 5), _gaps(0.75, 0.75, 0.65, 0.6, 0.8), 8, (1, 2), 0.0, 0.0, grades=4),
    SchoolKind("village", 0.30, (6, 6), _gaps(0.5, 0.5, 0.3, 0.35, 0.55), 4, (2, 3), 0.1, 0.0),
    SchoolKind("township", 0.18, (12, 18), _gap_span(0.05, 0.15), 3, (4, 6), 1.4, 0.42),
    SchoolKind("town", 0.08, (24, 32), _gap_span(0.0, 0.0), 3, (4, 6), 3.0, 0.75),
    SchoolKind("middle", 0.06, (26, 34), _gap_span(0.0, 0.0), 3, (4, 6), 2.0, 0.0),
)


@dataclass(frozen=True, slots=True)
class Regime:
    """How generous the supply is."""

    weekly_limit: tuple[int, int] = (2, 6)
    lead_factor: float = 1.0
    grades_led: tuple[int, int] = (2, 4)
    dedicated: float = 0.25
    relay_factor: float = 1.6
    elsewhere: int = 15
    own_bells: float = 0.4
    same_county_pact: float = 0.8
    last_lead: float = 0.4
    seats: tuple[int, ...] = field(default=(3, 3, 3, 3, 3, 3, 3, 4, 4, 6))


TIGHT = Regime()
LOOSE = Regime(weekly_limit=(4, 9), lead_factor=1.4)
