"""Addresses of recorded files: each was given to one session, for one file, for a while, and is signed by the service.

The session cookie is checked besides: an address that leaks opens nothing, and a stolen cookie opens no guessed file.
"""

import hmac
import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy.exc import IntegrityError

from service.accounts.principal import Person
from service.problems import NotAllowed
from service.recordings.privacy_tables import MediaKey
from service.security.tokens import same_token
from service.storage.database import Database

_ONLY_ROW = 1


class MediaAddresses:
    """Signs addresses and checks them; the secret is in the database, so every replica of the service agrees."""

    def __init__(self, database: Database, valid_for: timedelta) -> None:
        self._database = database
        self._valid_for = valid_for
        self._secret: bytes | None = None

    def end(self, now: datetime) -> datetime:
        """When an address given now stops being good."""
        return (now + self._valid_for).replace(microsecond=0)

    def address(self, path: str, person: Person, end: datetime) -> str:
        """The path with what makes it good for this session until `end`."""
        until = int(end.timestamp())
        return f"{path}?until={until}&signature={self._signature(path, person.session_id, until)}"

    def require(self, path: str, person: Person, until: int | None, signature: str | None, now: datetime) -> None:
        """Raise NotAllowed (`address_expired`) unless the address was given to this session and is still good."""
        if (
            until is None
            or signature is None
            or until <= now.timestamp()
            or not same_token(self._signature(path, person.session_id, until), signature)
        ):
            raise NotAllowed("This address is no longer good; open the recording again.", code="address_expired")

    def _signature(self, path: str, session_id: str, until: int) -> str:
        return hmac.new(self._key(), f"{path}\n{session_id}\n{until}".encode(), sha256).hexdigest()[:40]

    def _key(self) -> bytes:
        if self._secret is None:
            self._secret = bytes.fromhex(self._kept_secret())
        return self._secret

    def _kept_secret(self) -> str:
        with self._database.reading() as session:
            if (kept := session.get(MediaKey, _ONLY_ROW)) is not None:
                return kept.secret
        try:
            with self._database.unit_of_work() as session:
                made = MediaKey(id=_ONLY_ROW, secret=secrets.token_hex(32))
                session.add(made)
            return made.secret
        except IntegrityError:  # another replica was faster
            with self._database.reading() as session:
                return session.get_one(MediaKey, _ONLY_ROW).secret
