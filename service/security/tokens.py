"""Random tokens: handed out once in the clear, kept only as their SHA-256.

The tokens carry 256 bits of randomness, so a fast hash is enough; passwords, which do not, get argon2.
"""

import hmac
import secrets
from hashlib import sha256


def new_token() -> str:
    """A token nobody can guess."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """What is kept of a token: hexadecimal SHA-256."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def derive_token(secret: str, purpose: str) -> str:
    """Another token, computable only by who knows `secret`, and telling nothing of it."""
    return hmac.new(secret.encode("utf-8", "surrogatepass"), purpose.encode(), sha256).hexdigest()


def same_token(one: str, other: str) -> bool:
    """Comparison that takes equally long wherever the two differ."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))
