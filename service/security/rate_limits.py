"""Counts attempts in a sliding window and says when the next one is allowed.

Counters live in this process: behind several service processes the limit is multiplied by their number. The table is
bounded; when it is full the keys that were quiet longest are forgotten first.
"""

import math
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from service.problems import TooManyAttempts


@dataclass(frozen=True)
class Limit:
    """At most `attempts` in any `window_s` seconds."""

    name: str
    attempts: int
    window_s: float


SIGN_IN_ACCOUNT = Limit("sign-in of an account from an address", 10, 300)
SIGN_IN_ACCOUNT_ANYWHERE = Limit("sign-in of an account", 60, 300)
"""Generous, so that a stranger cannot easily keep somebody out; one address gets far fewer."""
SIGN_IN_ADDRESS = Limit("sign-in from an address", 100, 300)
LOCK_OUT_NOTED = Limit("notes of one lock-out", 1, 300)
"""Whoever goes on trying while locked out does not fill the audit log."""
PAIRING_START = Limit("pairing codes from an address", 60, 600)
PAIRING_CONFIRM = Limit("pairing codes tried by a person", 20, 300)
SETUP = Limit("setup tokens from an address", 10, 300)
PASSWORD_CHANGE = Limit("password changes of an account", 10, 300)
CONNECTION_TEST = Limit("connection tests of a place", 6, 600)
CONNECTION_REPORT = Limit("reports of connection tests of a place", 12, 600)
HANDING_OUT = Limit("sheets of one-time passwords of a person", 400, 600)
"""Twenty passwords each: a prefecture's 8,000 teachers in ten minutes, and no more work than that for the server."""


class RateLimits:
    """The attempts of everybody, by limit and key. Safe for use by many threads."""

    def __init__(self, now: Callable[[], float], most_keys: int = 50_000) -> None:
        self._now = now
        self._most_keys = most_keys
        self._attempts: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()
        self._lock = Lock()

    def check(self, limit: Limit, key: str) -> None:
        """Count one attempt. Raises TooManyAttempts, without counting it, when the limit is reached."""
        with self._lock:
            now = self._now()
            moments = self._moments(limit, key, now)
            if len(moments) >= limit.attempts:
                raise TooManyAttempts(max(1, math.ceil(moments[0] + limit.window_s - now)))
            moments.append(now)

    def forget(self, limit: Limit, key: str) -> None:
        """An attempt succeeded: begin to count anew."""
        with self._lock:
            self._attempts.pop((limit.name, key), None)

    def _moments(self, limit: Limit, key: str, now: float) -> deque[float]:
        moments = self._attempts.setdefault((limit.name, key), deque())
        self._attempts.move_to_end((limit.name, key))
        while moments and moments[0] <= now - limit.window_s:
            moments.popleft()
        while len(self._attempts) > self._most_keys:
            self._attempts.popitem(last=False)
        return moments
