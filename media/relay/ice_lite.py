"""ICE-lite (RFC 8445 section 2.5): answers connectivity checks, knows whose each address is, and watches consent.

We send no checks of our own. Sans-IO: datagrams and times are arguments, the reply is returned.
"""

import secrets
import string
import struct
from dataclasses import dataclass, field

from aioice import stun

Address = tuple[str, int]

MAX_ADDRESSES_PER_SESSION = 16
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Credentials:
    """A local user name fragment and password (RFC 8445 section 5.3: at least 24 and 128 random bits)."""

    ufrag: str
    password: str

    @classmethod
    def generate(cls) -> "Credentials":
        """Make fresh ones."""
        return cls(_random_text(12), _random_text(24))


@dataclass
class IceSession:
    """One peer connection as ICE sees it."""

    leg: int
    credentials: Credentials
    address: Address | None = None
    "Where to send: the first address that passed a check, then the one the peer nominated last."
    last_check_at: float | None = None
    ufrags: set[str] = field(default_factory=set)
    addresses: dict[Address, None] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckOutcome:
    """What a STUN datagram led to."""

    reply: bytes | None = None
    session: IceSession | None = None
    "Set when the check was authenticated."
    moved: bool = False
    "Whether the session's address is new."


_NOTHING = CheckOutcome()


class IceLite:
    """All ICE sessions behind one port."""

    def __init__(self) -> None:
        self._by_ufrag: dict[str, tuple[IceSession, Credentials]] = {}
        self._by_address: dict[Address, IceSession] = {}

    def open(self, leg: int) -> IceSession:
        """Make a session for a peer connection."""
        session = IceSession(leg, Credentials.generate())
        self._register(session)
        return session

    def restart(self, session: IceSession) -> None:
        """Give the session new credentials; the old ones stay good until it closes (RFC 8445 section 2.4)."""
        session.credentials = Credentials.generate()
        self._register(session)

    def close(self, session: IceSession) -> None:
        """Forget a session."""
        for ufrag in session.ufrags:
            self._by_ufrag.pop(ufrag, None)
        for address in session.addresses:
            if self._by_address.get(address) is session:
                del self._by_address[address]

    def session_at(self, address: Address) -> IceSession | None:
        """Whose datagrams come from `address`, by authenticated checks."""
        return self._by_address.get(address)

    def expired(self, now: float, consent_s: float) -> list[IceSession]:
        """Sessions that had a check once but none within `consent_s` (RFC 7675 section 5.1)."""
        sessions = {id(session): session for session, _ in self._by_ufrag.values()}
        return [s for s in sessions.values() if s.last_check_at is not None and now - s.last_check_at > consent_s]

    def receive(self, data: bytes, address: Address, now: float) -> CheckOutcome:
        """Take a STUN datagram. Whatever is not an authenticated binding request gets no answer at all."""
        try:
            request = stun.parse_message(data)
        except (ValueError, struct.error, IndexError):
            return _NOTHING
        if request.message_method is not stun.Method.BINDING or request.message_class is not stun.Class.REQUEST:
            return _NOTHING
        found = self._by_ufrag.get(str(request.attributes.get("USERNAME", "")).partition(":")[0])
        if found is None:
            return _NOTHING
        session, credentials = found
        key = credentials.password.encode()
        if not request.check_message_integrity(key):
            return _NOTHING
        if "ICE-CONTROLLED" in request.attributes:
            # RFC 8445 section 7.3.1.1: a lite agent never controls.
            return CheckOutcome(_reply(request, key, stun.Class.ERROR, {"ERROR-CODE": (487, "Role Conflict")}))
        session.last_check_at = now
        moved = self._learn(session, address, nominated="USE-CANDIDATE" in request.attributes)
        reply = _reply(request, key, stun.Class.RESPONSE, {"XOR-MAPPED-ADDRESS": address})
        return CheckOutcome(reply, session, moved)

    def _register(self, session: IceSession) -> None:
        session.ufrags.add(session.credentials.ufrag)
        self._by_ufrag[session.credentials.ufrag] = (session, session.credentials)

    def _learn(self, session: IceSession, address: Address, *, nominated: bool) -> bool:
        if address not in session.addresses:
            self._make_space(session)
            former = self._by_address.get(address)
            if former is not None and former is not session:
                # The same socket of a client cannot serve two sessions: the later authenticated one has it.
                former.addresses.pop(address, None)
            session.addresses[address] = None
            self._by_address[address] = session
        if session.address is None or (nominated and session.address != address):
            session.address = address
            return True
        return False

    def _make_space(self, session: IceSession) -> None:
        if len(session.addresses) >= MAX_ADDRESSES_PER_SESSION:
            oldest = next(known for known in session.addresses if known != session.address)
            del session.addresses[oldest]
            self._by_address.pop(oldest, None)


def _reply(request: stun.Message, key: bytes, kind: stun.Class, attributes: dict[str, object]) -> bytes:
    reply = stun.Message(stun.Method.BINDING, kind, request.transaction_id, attributes)
    reply.add_message_integrity(key)
    return bytes(reply)


def _random_text(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
