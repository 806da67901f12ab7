"""Rate limits that all replicas of the service share, in Redis; while Redis is away each replica counts for itself."""

import hashlib
import logging
import math
import time

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from service.problems import TooManyAttempts
from service.security.rate_limits import Limit, RateLimits
from service.storage.base import new_id

log = logging.getLogger(__name__)

ANSWER_WITHIN_S = 0.5
ASK_AGAIN_AFTER_S = 3.0

_COUNT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local attempts, window = tonumber(ARGV[1]), tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
if redis.call('ZCARD', KEYS[1]) >= attempts then
  local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  return math.max(1, first[2] + window - now)
end
redis.call('ZADD', KEYS[1], now, ARGV[3])
redis.call('PEXPIRE', KEYS[1], window)
return 0
"""


class SharedRateLimits(RateLimits):
    """The attempts of everybody at all replicas. What is counted is named by a hash: Redis learns no name."""

    def __init__(self, url: str, namespace: str) -> None:
        super().__init__(time.monotonic)
        self._namespace = namespace
        self._redis = Redis.from_url(
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=ANSWER_WITHIN_S,
            socket_timeout=ANSWER_WITHIN_S,
        )
        self._count = self._redis.register_script(_COUNT)
        self._away_until = 0.0
        self.absences = 0

    def check(self, limit: Limit, key: str) -> None:
        """Count one attempt. Raises TooManyAttempts, without counting it, when the limit is reached."""
        if time.monotonic() < self._away_until:
            super().check(limit, key)
            return
        arguments: list[str | int] = [limit.attempts, int(limit.window_s * 1000), new_id()]
        try:
            wait_ms = int(self._count(keys=[self._name(limit, key)], args=arguments))
        except (RedisError, OSError) as error:
            self._note_away(error)
            super().check(limit, key)
            return
        if wait_ms:
            raise TooManyAttempts(max(1, math.ceil(wait_ms / 1000)))

    def forget(self, limit: Limit, key: str) -> None:
        """An attempt succeeded: begin to count anew."""
        super().forget(limit, key)
        if time.monotonic() >= self._away_until:
            try:
                self._redis.delete(self._name(limit, key))
            except (RedisError, OSError) as error:
                self._note_away(error)

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _name(self, limit: Limit, key: str) -> str:
        digest = hashlib.sha256(f"{limit.name}\n{key}".encode("utf-8", "surrogatepass")).hexdigest()
        return f"{self._namespace}:attempts.{digest}"

    def _note_away(self, error: Exception) -> None:
        if time.monotonic() > self._away_until + ASK_AGAIN_AFTER_S:
            self.absences += 1
            log.warning("attempts are counted by each replica for itself while Redis is away: %s", error)
        self._away_until = time.monotonic() + ASK_AGAIN_AFTER_S
