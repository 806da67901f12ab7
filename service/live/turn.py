"""Short-lived credentials for the deployment's TURN server, for clients whose network lets only port 443 through.

The TURN server (coturn) and the service share a secret; who presents a user name that has not expired, signed with it,
may use the server. Nothing is stored and nobody outside is asked (draft-uberti-behave-turn-rest-00, section 2.2).
"""

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

VALID_FOR = timedelta(hours=6)
"""Longer than any lesson with its preparation: coturn looks at the time again whenever an allocation is refreshed."""


@dataclass(frozen=True)
class TurnServer:
    """Where the deployment's TURN server is, and the secret shared with it; without addresses there is none."""

    urls: Sequence[str] = ()
    secret: str = ""

    def ice_for(self, connection_id: str, now: datetime) -> dict[str, Any]:
        """The `ice` of a connection's welcome: `ice_servers` as RTCConfiguration takes them, or nothing."""
        if not self.urls:
            return {}
        username = f"{int((now + VALID_FOR).timestamp())}:{connection_id}"
        digest = hmac.digest(self.secret.encode(), username.encode(), "sha1")
        credential = base64.b64encode(digest).decode("ascii")
        return {"ice_servers": [{"urls": list(self.urls), "username": username, "credential": credential}]}
