"""Clocks: our NTP time, and one constant offset for each publisher's, the same for all its streams (lip sync)."""

from forwarder_oracle.rtcp import SenderReport

_NTP_MINUS_UNIX_S = 2_208_988_800
# A publisher whose clock was set anew is measured again rather than believed.
_MAX_DEVIATION_NTP = 5 << 32


class NtpClock:
    """Turns `now` into NTP time."""

    def __init__(self, wall_minus_monotonic: float) -> None:
        self._wall_minus_monotonic = wall_minus_monotonic

    def ntp(self, now: float) -> int:
        """Return 64-bit NTP time (32.32)."""
        return int((now + self._wall_minus_monotonic + _NTP_MINUS_UNIX_S) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF

    def ntp_middle(self, now: float) -> int:
        """Return the middle 32 bits, as RR blocks echo them."""
        return self.ntp(now) >> 16 & 0xFFFFFFFF


class PublisherClock:
    """Keeps ours minus the publisher's clock as measured at its first sender report."""

    def __init__(self) -> None:
        self._offset_ntp: int | None = None

    def to_ours(self, ntp: int, arrival_ntp: int) -> int:
        """Return a publisher's NTP time on our clock; the first call fixes the offset."""
        if self._offset_ntp is None or abs(ntp + self._offset_ntp - arrival_ntp) > _MAX_DEVIATION_NTP:
            self._offset_ntp = arrival_ntp - ntp
        return ntp + self._offset_ntp


def extrapolate(report: SenderReport, report_ntp: int, ntp: int, clock_rate: int) -> int:
    """Return the RTP timestamp at `ntp`, given that `report_ntp` (same clock) was the instant of the report."""
    return (report.rtp_timestamp + ((ntp - report_ntp) * clock_rate >> 32)) & 0xFFFFFFFF
