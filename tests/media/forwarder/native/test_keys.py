"""Key derivation against the published vectors (RFC 3711 B.3)."""

import pytest

from media.forwarder.api import CommandError, SrtpProfile
from media.forwarder.native.keys import derive, session_keys

MASTER_KEY = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139")
MASTER_SALT = bytes.fromhex("0EC675AD498AFEEBB6960B3AABE6")
CIPHER_KEY = bytes.fromhex("C61E7A93744F39EE10734AFE3FF7A087")
SALT = bytes.fromhex("30CBBC08863D8C85D49DB34A9AE1")
AUTH_KEY = bytes.fromhex(
    "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCE"
    "E049646C43D9327AD175578EF72270986371C10C9A369AC2F94A8C5FBCDDDC25"
    "6D6E919A48B610EF17C2041E474035766B68642C59BBFC2F34DB60DBDFB2"
)


@pytest.mark.parametrize(("label", "expected"), [(0, CIPHER_KEY), (1, AUTH_KEY), (2, SALT)])
def test_derivation_gives_the_published_keys(label, expected):
    assert derive(MASTER_KEY, MASTER_SALT, label, len(expected)) == expected


def test_the_session_keys_of_rtp_come_before_those_of_rtcp():
    keys = session_keys(SrtpProfile.AES128_CM_SHA1_80, MASTER_KEY, MASTER_SALT)
    assert keys[:50] == CIPHER_KEY + AUTH_KEY[:20] + SALT
    assert keys[50:66] == derive(MASTER_KEY, MASTER_SALT, 3, 16)
    assert len(keys) == 100


@pytest.mark.parametrize("profile", list(SrtpProfile))
def test_keys_of_another_length_are_refused(profile):
    with pytest.raises(CommandError, match="takes a key"):
        session_keys(profile, bytes(15), bytes(12))
    with pytest.raises(CommandError, match="takes a key"):
        session_keys(profile, bytes(16), bytes(13))
