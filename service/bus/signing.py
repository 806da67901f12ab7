"""Seals what travels over Redis, so that whoever can write there still cannot command a relay or invent minutes.

A sealed text is `<signature>|<sender>.<number>.<at>|<text>`; the signature is HMAC-SHA256 over topic, stamp and text
with the fleet's key, cut to 128 bits (RFC 2104 section 5), so a message moved to another topic does not open either.
The stamp says who sealed it as which of its messages and when (Unix milliseconds): `Freshness` tells copies by it.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

_BYTES = 16
_LENGTH = 22


class ForgedError(Exception):
    """The text was not sealed with this fleet's key. Remedy: one key for all parts; else look who writes."""


@dataclass(frozen=True)
class Stamp:
    """Which message of which sender it is, and when it was sealed."""

    sender: str
    number: int
    at: float
    """Unix seconds, by the sender's clock."""


class Signer:
    """Seals and opens texts with one key."""

    def __init__(self, key: str, wall: Callable[[], float] = time.time) -> None:
        self._key = key.encode()
        self._wall = wall
        self._sender = secrets.token_hex(8)
        self._number = 0

    def seal(self, topic: str, text: str) -> str:
        """Give the sealed text; no two are alike."""
        self._number += 1
        stamp = f"{self._sender}.{self._number}.{int(self._wall() * 1000)}"
        return f"{self._sign(topic, stamp, text)}|{stamp}|{text}"

    def open(self, topic: str, sealed: bytes) -> tuple[Stamp, str]:
        """Give the stamp and the text. Raises ForgedError."""
        signature, _, rest = sealed.decode(errors="replace").partition("|")
        stamp, separator, text = rest.partition("|")
        if not separator or not hmac.compare_digest(signature.encode(), self._sign(topic, stamp, text).encode()):
            raise ForgedError(topic)
        sender, number, at_ms = stamp.split(".")
        return Stamp(sender, int(number), int(at_ms) / 1000), text

    def _sign(self, topic: str, stamp: str, text: str) -> str:
        digest = hmac.digest(self._key, f"{topic}|{stamp}|{text}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest[:_BYTES])[:_LENGTH].decode()


class Freshness:
    """Tells messages of one topic from copies of them, for one reader.

    A sender's messages come in the order of their numbers; of a sender not heard before, only what it sealed lately is
    taken: what came before this reader listened may be a copy.
    """

    def __init__(self, since: float) -> None:
        """`since`: Unix seconds from which on a sender unknown until now is believed."""
        self._since = since
        self._newest: dict[str, int] = {}

    def is_new(self, stamp: Stamp) -> bool:
        """Whether the message was not there before; it counts as taken from now on."""
        newest = self._newest.get(stamp.sender)
        if stamp.at < self._since if newest is None else stamp.number <= newest:
            return False
        self._newest[stamp.sender] = stamp.number
        return True
