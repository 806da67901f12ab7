"""Passwords: argon2id hashes (RFC 9106) and the few rules a new password must follow."""

from threading import BoundedSemaphore

from argon2 import PasswordHasher, profiles
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 8
LONGEST = 200

# RFC 9106 section 4, second recommended option: 64 MiB of memory, three passes, four lanes.
_hasher = PasswordHasher.from_parameters(profiles.RFC_9106_LOW_MEMORY)

_AT_ONCE = 4
_turn = BoundedSemaphore(_AT_ONCE)
"""64 MiB for each thread of the pool would be gigabytes when a whole county signs in at the bell."""

_NOBODYS_HASH = _hasher.hash("nobody has this password")


def hash_password(password: str) -> str:
    """What is kept of a password."""
    with _turn:
        return _hasher.hash(password)


def verify_password(password: str, password_hash: str | None) -> bool:
    """Whether the password is right. Takes as long when there is no account (`password_hash` is None or empty)."""
    try:
        with _turn:
            matches = _hasher.verify(password_hash or _NOBODYS_HASH, password)
    except (VerificationError, InvalidHashError):
        return False
    return matches and bool(password_hash)


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)
