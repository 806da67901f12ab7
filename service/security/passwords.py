"""Passwords: argon2id hashes (RFC 9106) and the few rules a new password must follow."""

from argon2 import PasswordHasher, profiles
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 8
LONGEST = 200

# RFC 9106 section 4, second recommended option: 64 MiB, three passes; one lane fits a two-core machine.
_hasher = PasswordHasher.from_parameters(profiles.RFC_9106_LOW_MEMORY)

_NOBODYS_HASH = _hasher.hash("nobody has this password")


def hash_password(password: str) -> str:
    """What is kept of a password."""
    return _hasher.hash(password)


def verify_password(password: str, password_hash: str | None) -> bool:
    """Whether the password is right. Takes as long when there is no account (`password_hash` is None)."""
    try:
        matches = _hasher.verify(password_hash or _NOBODYS_HASH, password)
    except (VerificationError, InvalidHashError):
        return False
    return matches and password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)
