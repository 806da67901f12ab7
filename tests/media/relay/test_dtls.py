"""Two DTLS ends over a loss-free pipe: the relay's side is the server and yields the keys of the other's."""

import asyncio
import gc
import weakref

import pytest
from aiortc import rtcdtlstransport as aiortc_dtls
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsParameters, RTCDtlsTransport
from OpenSSL import SSL

from media.forwarder.api import SrtpProfile
from media.relay.dtls import CertificateSource, DtlsLeg


class Pipe:
    """The client's end: an ICE transport as aiortc expects it."""

    role = "controlling"

    def __init__(self):
        self.queue = asyncio.Queue()
        self.leg = None

    async def _recv(self):
        return await self.queue.get()

    async def _send(self, data):
        self.leg.feed(data)


async def handshake(profiles, *, lie=False, deadline_s=5.0, silent=False, certificate=None):
    pipe = Pipe()
    outcome, keys = asyncio.get_running_loop().create_future(), asyncio.get_running_loop().create_future()
    certificate = certificate or CertificateSource().current()
    leg = DtlsLeg(certificate, pipe.queue.put_nowait, keys.set_result, outcome.set_result)
    pipe.leg = leg
    own = RTCCertificate.generateCertificate()
    client = RTCDtlsTransport(pipe, [own])
    client._srtp_profiles = profiles
    client._set_role("client")
    value = ":".join(["00"] * 32) if lie else own.getFingerprints()[0].value
    leg.start([("sha-256", value)], deadline_s)
    if not silent:
        await client.start(RTCDtlsParameters([certificate.getFingerprints()[0]]))
    return leg, client, keys, outcome


PROFILES = [
    aiortc_dtls.SRTP_AEAD_AES_128_GCM,
    aiortc_dtls.SRTP_AEAD_AES_256_GCM,
    aiortc_dtls.SRTP_AES128_CM_SHA1_80,
]


@pytest.mark.parametrize("profile", PROFILES)
def test_each_profile_yields_the_keys_the_client_has(profile):
    async def scenario():
        leg, client, keys, outcome = await handshake([profile])
        found = await asyncio.wait_for(keys, 5)
        assert found.profile is SrtpProfile(profile.openssl_profile.decode())
        length = 2 * (profile.key_length + profile.salt_length)
        material = client._ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", length)
        assert found.receive_key + found.receive_salt == profile.get_key_and_salt(material, 0)
        assert found.send_key + found.send_salt == profile.get_key_and_salt(material, 1)
        await leg.close()
        await client.stop()
        assert not outcome.done()

    asyncio.run(scenario())


def test_the_relay_prefers_gcm_128_whatever_the_client_lists_first():
    async def scenario():
        leg, client, keys, _ = await handshake(list(reversed(PROFILES)))
        assert (await asyncio.wait_for(keys, 5)).profile is SrtpProfile.AEAD_AES_128_GCM
        await leg.close()
        await client.stop()

    asyncio.run(scenario())


@pytest.mark.parametrize("ended_by", ["us", "the client", "a failed handshake"])
def test_what_a_leg_held_is_free_at_its_end_and_not_when_cycles_are_looked_for(ended_by):
    """OpenSSL's memory is unknown to Python's collector, which comes seldom: hundreds of reconnects wait for it."""

    async def scenario():
        leg, client, keys, outcome = await handshake([PROFILES[0]], lie=ended_by == "a failed handshake")
        held = weakref.ref(leg._transport._ssl)
        if ended_by == "the client":
            await asyncio.wait_for(keys, 5)
            await client.stop()
        if ended_by != "us":
            await asyncio.wait_for(outcome, 5)
        await leg.close()
        await client.stop()
        client.transport.leg = None  # the client's end is not what is tested
        ended = weakref.ref(leg)
        del leg, client, keys, outcome
        await asyncio.sleep(0)
        return held(), ended()

    gc.disable()
    try:
        assert asyncio.run(scenario()) == (None, None)
    finally:
        gc.enable()


def test_keys_are_not_shown_in_logs():
    async def scenario():
        leg, client, keys, _ = await handshake(PROFILES)
        found = await asyncio.wait_for(keys, 5)
        assert repr(found) == f"SrtpKeys(profile={found.profile!r})"
        await leg.close()
        await client.stop()

    asyncio.run(scenario())


def test_a_client_with_another_certificate_fails():
    async def scenario():
        leg, client, keys, outcome = await handshake(PROFILES, lie=True)
        assert await asyncio.wait_for(outcome, 5) == "failed"
        assert not keys.done()
        await leg.close()
        await client.stop()

    asyncio.run(scenario())


def test_a_client_that_never_begins_fails_at_the_deadline():
    async def scenario():
        leg, _, _, outcome = await handshake(PROFILES, silent=True, deadline_s=0.2)
        assert await asyncio.wait_for(outcome, 5) == "failed"
        await leg.close()

    asyncio.run(scenario())


def test_the_clients_goodbye_is_told():
    async def scenario():
        leg, client, keys, outcome = await handshake(PROFILES)
        await keys
        await client.stop()
        assert await asyncio.wait_for(outcome, 5) == "closed"
        await leg.close()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert left == []

    asyncio.run(scenario())


def test_the_certificate_is_kept_for_a_day():
    source = CertificateSource()
    assert source.current() is source.current()


def test_handshakes_with_one_certificate_share_what_openssl_keeps_for_them():
    async def scenario():
        certificate = CertificateSource().current()
        clients = []
        for _ in range(3):
            leg, client, keys, _ = await handshake(PROFILES, certificate=certificate)
            await asyncio.wait_for(keys, 5)
            clients.append(client)
            await leg.close()
            await client.stop()
        contexts = [one for one in gc.get_objects() if isinstance(one, SSL.Context)]
        return certificate._create_ssl_context(PROFILES), contexts, clients

    gc.collect()
    before = sum(isinstance(one, SSL.Context) for one in gc.get_objects())
    shared, contexts, clients = asyncio.run(scenario())
    assert shared in contexts
    # One for each client, which make their own, and one for all three legs.
    assert len(contexts) - before <= len(clients) + 1
    assert shared.get_session_cache_mode() == SSL.SESS_CACHE_OFF
