"""Join grants: what a relay of a fleet demands before it lets a connection into a lesson.

A grant is `<expires_at>.<signature>`: HMAC-SHA256 (RFC 2104) with the fleet's key over relay, lesson, connection, the
whole party and its school's line, good for a minute. Whoever can write on the bus but has no key gets nobody in, and a
grant that was overheard opens no other lesson, relay or connection.
"""

import hashlib
import hmac

from media.contract.messages import JoinLesson

GRANT_SECONDS = 60


def grant_join(key: str, relay_id: str, join: JoinLesson, now: float) -> JoinLesson:
    """The same join with a grant for the relay, good from `now` (Unix seconds) on."""
    expires_at = int(now) + GRANT_SECONDS
    return join.model_copy(update={"grant": f"{expires_at}.{_signature(key, relay_id, join, expires_at)}"})


def join_is_granted(key: str, relay_id: str, join: JoinLesson, now: float) -> bool:
    """Whether the join carries a grant of its own for this relay that has not expired."""
    expiry, _, signature = join.grant.partition(".")
    if not expiry.isascii() or not expiry.isdecimal() or len(expiry) > 12:
        return False
    if not now < int(expiry) <= now + 2 * GRANT_SECONDS:
        return False
    return hmac.compare_digest(signature.encode(), _signature(key, relay_id, join, int(expiry)).encode())


def _signature(key: str, relay_id: str, join: JoinLesson, expires_at: int) -> str:
    said = "\n".join(
        (
            "join",
            relay_id,
            join.lesson_id,
            join.connection_id,
            str(expires_at),
            join.party.model_dump_json(),
            join.school_line.model_dump_json() if join.school_line is not None else "",
        )
    )
    return hmac.new(key.encode(), said.encode(), hashlib.sha256).hexdigest()
