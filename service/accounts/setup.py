"""The creation of the first administrator, once, by whoever can read the server's terminal."""

from service.security.tokens import new_token, same_token


class Setup:
    """Holds the token that permits the first administrator to be created; printed at start, kept nowhere."""

    def __init__(self, token: str | None = None) -> None:
        """Replicas are given the same token; alone, a process makes its own."""
        self.token = token or new_token()

    def permits(self, token: str) -> bool:
        """Whether `token` is the one the server printed."""
        return same_token(token, self.token)
