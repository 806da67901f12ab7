"""SRTP and SRTCP sessions over libsrtp (RFC 3711, RFC 7714): one to open what a peer sends, one to seal for it."""

from collections.abc import Callable

import pylibsrtp

from media.forwarder.api import CommandError, SrtpProfile

_Transform = Callable[[bytes], bytes]
_LIBSRTP_PROFILES = {
    SrtpProfile.AEAD_AES_128_GCM: (pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    SrtpProfile.AEAD_AES_256_GCM: (pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 32, 12),
    SrtpProfile.AES128_CM_SHA1_80: (pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
}
# Wide enough for a packet that a retransmission brings a second late at 1000 packets/s.
_WINDOW_PACKETS = 1024
# libsrtp keeps state per authenticated SSRC; a peer that invents SSRCs must not exhaust our memory.
_MAX_SSRCS = 128
_CAUSES = {
    "authentication failure": "auth_failed",
    "cipher failure": "auth_failed",
    "replay check failed (bad index)": "replayed",
    "replay check failed (index too old)": "replayed",
    "packet index is too old to consider": "replayed",
}


class DroppedError(Exception):
    """A datagram or packet is not usable; `cause` names the counter it goes to."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


def _make_session(profile: SrtpProfile, key: bytes, salt: bytes, direction: int) -> pylibsrtp.Session:
    number, key_bytes, salt_bytes = _LIBSRTP_PROFILES[profile]
    if len(key) != key_bytes or len(salt) != salt_bytes:
        raise CommandError(f"{profile.name} takes a key of {key_bytes} and a salt of {salt_bytes} bytes")
    policy = pylibsrtp.Policy(key=key + salt, ssrc_type=direction, srtp_profile=number)
    policy.window_size = _WINDOW_PACKETS
    return pylibsrtp.Session(policy)


class SrtpOpener:
    """Authenticates, decrypts and refuses replays of what one peer sends."""

    def __init__(self, profile: SrtpProfile, key: bytes, salt: bytes) -> None:
        """Raises CommandError if key or salt have the wrong length for the profile."""
        self._session = _make_session(profile, key, salt, pylibsrtp.Policy.SSRC_ANY_INBOUND)
        self._ssrcs: set[bytes] = set()

    def open_rtp(self, datagram: bytes) -> bytes:
        """Return the plain RTP packet. Raises DroppedError."""
        if len(datagram) < 12:
            raise DroppedError("malformed")
        return self._open(self._session.unprotect, datagram, datagram[8:12])

    def open_rtcp(self, datagram: bytes) -> bytes:
        """Return the plain RTCP compound. Raises DroppedError."""
        if len(datagram) < 8:
            raise DroppedError("malformed")
        return self._open(self._session.unprotect_rtcp, datagram, datagram[4:8])

    def _open(self, unprotect: _Transform, datagram: bytes, ssrc: bytes) -> bytes:
        if ssrc not in self._ssrcs and len(self._ssrcs) >= _MAX_SSRCS:
            raise DroppedError("too_many_ssrcs")
        try:
            plain = unprotect(datagram)
        except pylibsrtp.Error as error:
            raise DroppedError(_CAUSES.get(str(error), "malformed")) from None
        except ValueError:
            raise DroppedError("oversized") from None
        self._ssrcs.add(ssrc)
        return plain


class SrtpSealer:
    """Encrypts and authenticates what we send to one peer."""

    def __init__(self, profile: SrtpProfile, key: bytes, salt: bytes) -> None:
        """Raises CommandError if key or salt have the wrong length for the profile."""
        self._session = _make_session(profile, key, salt, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)

    def seal_rtp(self, packet: bytes) -> bytes:
        """Return the datagram. Raises DroppedError, also when an index would be used twice."""
        return self._seal(self._session.protect, packet)

    def seal_rtcp(self, packet: bytes) -> bytes:
        """Return the datagram. Raises DroppedError."""
        return self._seal(self._session.protect_rtcp, packet)

    def _seal(self, protect: _Transform, packet: bytes) -> bytes:
        try:
            return protect(packet)
        except pylibsrtp.Error:
            raise DroppedError("seal_failed") from None
        except ValueError:
            raise DroppedError("oversized") from None
