"""How many messages one client may send: a token bucket on the caller's clock."""


class MessageAllowance:
    """Lets `burst` messages through at once and `per_second` in the long run."""

    def __init__(self, burst: int, per_second: float, now: float) -> None:
        self._burst = float(burst)
        self._per_second = per_second
        self._tokens = float(burst)
        self._seen_at = now
        self.refused = 0

    def spend(self, now: float) -> bool:
        """Take one message; False, and counted in `refused`, when it is one too many."""
        elapsed = max(0.0, now - self._seen_at)
        self._tokens = min(self._burst, self._tokens + elapsed * self._per_second)
        self._seen_at = now
        if self._tokens < 1.0:
            self.refused += 1
            return False
        self._tokens -= 1.0
        return True
