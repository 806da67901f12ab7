"""Seals what travels over Redis, so that whoever can write there still cannot command a relay or invent minutes.

A sealed text is `<signature>|<text>`; the signature is HMAC-SHA256 over topic and text with the fleet's key, cut to
128 bits (RFC 2104 section 5), so a message moved to another topic does not open either.
"""

import base64
import hashlib
import hmac

_BYTES = 16
_LENGTH = 22


class ForgedError(Exception):
    """The text was not sealed with this fleet's key. Remedy: one key for all parts; else look who writes."""


class Signer:
    """Seals and opens texts with one key."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def seal(self, topic: str, text: str) -> str:
        """Give the sealed text."""
        return f"{self._sign(topic, text)}|{text}"

    def open(self, topic: str, sealed: bytes) -> str:
        """Give the text. Raises ForgedError."""
        signature, separator, text = sealed.decode(errors="replace").partition("|")
        if not separator or not hmac.compare_digest(signature.encode(), self._sign(topic, text).encode()):
            raise ForgedError(topic)
        return text

    def _sign(self, topic: str, text: str) -> str:
        digest = hmac.digest(self._key, f"{topic}|{text}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest[:_BYTES])[:_LENGTH].decode()
