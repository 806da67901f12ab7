"""How this process gets on with Redis: its connections, and whether Redis is there, said once and counted."""

import logging
import time
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

AWAY_ERRORS = (RedisError, OSError, TimeoutError)
"""What using a Redis that is away, starting or overloaded raises."""
CONNECT_WITHIN_S = 2.0
ANSWER_WITHIN_S = 4.0
"""Longer than any blocking read asks Redis to wait."""
BACK_OFF_S = (0.05, 0.1, 0.2, 0.4, 0.8)


def connect(url: str) -> Redis:
    """Make a client that fails at once instead of trying again by itself; nothing is opened yet."""
    return Redis.from_url(
        url,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        socket_connect_timeout=CONNECT_WITHIN_S,
        socket_timeout=ANSWER_WITHIN_S,
    )


def is_absence(error: BaseException) -> bool:
    """Whether an error, or all errors of a group, say that Redis is away."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_absence(one) for one in error.exceptions)
    return isinstance(error, AWAY_ERRORS)


def back_off_s(failures: int) -> float:
    """How long to wait after so many failures in a row."""
    return BACK_OFF_S[min(failures, len(BACK_OFF_S)) - 1] if failures > 0 else 0.0


@dataclass
class Reach:
    """Whether Redis answers, as its users in this process find out."""

    connected: bool = True
    since: float = 0.0
    """Monotonic time of the last change."""
    absences: int = 0

    def away(self, error: Exception) -> None:
        """Redis did not answer."""
        if self.connected:
            self.connected, self.since = False, time.monotonic()
            self.absences += 1
            log.warning("Redis is away (%s); what must not be lost is kept until it is back", error or type(error))

    def back(self) -> None:
        """Redis answered."""
        if not self.connected:
            log.warning("Redis is back after %.1f s", time.monotonic() - self.since)
            self.connected, self.since = True, time.monotonic()

    @property
    def steady_s(self) -> float:
        """For how long Redis has been there without interruption; 0 while it is away."""
        return time.monotonic() - self.since if self.connected else 0.0
