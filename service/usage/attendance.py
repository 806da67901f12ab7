"""What one party's attendance of one lesson adds up to, folded event by event from the usage log. Pure.

The log is the truth; these figures are kept beside it so that a report need not read every interval again,
and can be rebuilt from it at any time.
"""

from dataclasses import dataclass, replace

from media.contract import Delivered, PartyJoined, PartyLeft, Published

AttendanceEvent = PartyJoined | PartyLeft | Delivered | Published


@dataclass(frozen=True)
class Attendance:
    """Sums over all connections of one party to one lesson; times are Unix seconds, the rest milliseconds."""

    joined_at: float | None = None
    left_at: float | None = None
    open_connection: str | None = None
    open_since: float | None = None
    last_seen_at: float | None = None
    joins: int = 0
    connected_ms: int = 0
    lead_picture_ms: int = 0
    lead_sound_ms: int = 0
    published_ms: int = 0

    @property
    def connected_until_now_ms(self) -> int:
        """Connected time with that of a connection still open, as far as the relay has reported it."""
        if self.open_since is None or self.last_seen_at is None:
            return self.connected_ms
        return self.connected_ms + _ms(self.open_since, self.last_seen_at)


def fold(attendance: Attendance, event: AttendanceEvent) -> Attendance:
    """Give the attendance with `event` counted in."""
    match event:
        case PartyJoined():
            return _joined(attendance, event)
        case PartyLeft():
            if event.connection_id != attendance.open_connection:
                return attendance  # replaced: its time ended when the newer connection joined
            return _closed(attendance, event.at)
        case Delivered():
            seen = _seen(attendance, event.to_at)
            return replace(
                seen,
                lead_picture_ms=seen.lead_picture_ms + event.lead_picture_ms,
                lead_sound_ms=seen.lead_sound_ms + event.lead_sound_ms,
            )
        case Published():
            seen = _seen(attendance, event.to_at)
            return replace(seen, published_ms=seen.published_ms + max(event.picture_ms, event.sound_ms))


def _joined(attendance: Attendance, event: PartyJoined) -> Attendance:
    if attendance.open_connection == event.connection_id:
        return attendance
    if attendance.open_connection is not None:
        # Either replaced by this connection, or the relay died and its end was never told: count what was reported.
        last = attendance.last_seen_at if attendance.last_seen_at is not None else event.at
        attendance = _closed(attendance, min(last, event.at))
    return replace(
        attendance,
        joined_at=event.at if attendance.joined_at is None else attendance.joined_at,
        left_at=None,
        open_connection=event.connection_id,
        open_since=event.at,
        last_seen_at=event.at,
        joins=attendance.joins + 1,
    )


def _closed(attendance: Attendance, at: float) -> Attendance:
    since = attendance.open_since if attendance.open_since is not None else at
    return replace(
        attendance,
        left_at=at,
        open_connection=None,
        open_since=None,
        last_seen_at=max(at, attendance.last_seen_at or at),
        connected_ms=attendance.connected_ms + _ms(since, at),
    )


def _seen(attendance: Attendance, at: float) -> Attendance:
    return replace(attendance, last_seen_at=max(at, attendance.last_seen_at or at))


def _ms(from_at: float, to_at: float) -> int:
    return max(0, round((to_at - from_at) * 1000))
