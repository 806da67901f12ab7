"""The errors of this package; each says which input was wrong, so that a caller can show the message as it is.

SchedulerError
├── TimetableError   a period, a list of bells or a local time cannot be
│   ├── UnknownPeriodError   the bells have no period of that number
│   └── MissingTimeError     a local time that the zone's clocks skip
├── ClaimError       an interval or resource of a claim cannot be
├── CalendarError    a term, holiday, make-up day or series contradicts itself
├── SnapshotError    a planning instance is malformed or contradicts itself
└── CertificateError a bound's certificate does not prove what it says
"""


class SchedulerError(Exception):
    """Base of all errors raised on purpose by the scheduler."""


class TimetableError(SchedulerError, ValueError):
    """A period, a list of bells or a local time cannot be; mend the bells."""


class UnknownPeriodError(TimetableError):
    """The bells have no period of that number; choose one of theirs."""


class MissingTimeError(TimetableError):
    """The local time does not exist in the zone (its clocks skip it); choose another time."""


class ClaimError(SchedulerError, ValueError):
    """The interval or the resource of a claim cannot be; mend the request."""


class CalendarError(SchedulerError, ValueError):
    """A term, holiday, make-up day, series or edit contradicts itself or the others."""


class SnapshotError(SchedulerError, ValueError):
    """A planning instance or plan is malformed; the message names the place."""


class CertificateError(SchedulerError, ValueError):
    """The certificate does not prove the bound it states: forged, stale or damaged."""
