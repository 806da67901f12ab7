"""What a receiver report tells a publisher about one of its sources (RFC 3550 6.4.1, A.3, A.8)."""

from forwarder_oracle.rtcp import ReportBlock, SenderReport


class Reception:
    """Counts one source's packets as they came; retransmissions do not count, so that the sender sees its real loss."""

    def __init__(self, first_ext_seq: int, clock_rate: int) -> None:
        self._first = first_ext_seq
        self._clock_rate = clock_rate
        self._received = 0
        self._reported_expected = 0
        self._reported_received = 0
        self._jitter = 0.0
        self._transit: float | None = None
        self._last_sr = 0
        self._last_sr_at = 0.0

    def arrived(self, ext_seq: int, timestamp: int, now: float) -> None:
        """Count a packet that came on its own SSRC for the first time."""
        self._received += 1
        self._first = min(self._first, ext_seq)
        transit = now * self._clock_rate - timestamp
        if self._transit is not None:
            deviation = abs(transit - self._transit)
            if deviation < 0x80000000:  # the timestamp did not wrap in between
                self._jitter += (deviation - self._jitter) / 16
        self._transit = transit

    def reported(self, report: SenderReport, now: float) -> None:
        """Note the source's sender report, to be echoed."""
        self._last_sr = report.ntp >> 16 & 0xFFFFFFFF
        self._last_sr_at = now

    def report(self, ssrc: int, highest_ext_seq: int, now: float) -> ReportBlock:
        """Return the block and begin the next interval."""
        expected = highest_ext_seq - self._first + 1
        expected_since = expected - self._reported_expected
        lost_since = expected_since - (self._received - self._reported_received)
        self._reported_expected, self._reported_received = expected, self._received
        fraction = 0 if expected_since <= 0 or lost_since <= 0 else min(lost_since * 256 // expected_since, 255)
        delay = int((now - self._last_sr_at) * 65536) if self._last_sr else 0
        # The unroller starts one cycle up; the wire counts cycles from zero.
        highest = highest_ext_seq - 0x10000
        return ReportBlock(ssrc, fraction, expected - self._received, highest, int(self._jitter), self._last_sr, delay)
