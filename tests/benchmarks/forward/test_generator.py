"""The generator against a forwarder in plain Python with libsrtp: what it sends is genuine, and its counts are true."""

import asyncio
import socket

from benchmarks.forward.keys import session_keys
from benchmarks.forward.loads import fan_out, lessons
from benchmarks.forward.measure import drain
from pylibsrtp import Policy, Session

UP = bytes(range(16)), bytes(range(100, 112))
DOWN = bytes(range(16, 32)), bytes(range(120, 132))


def libsrtp(keys, direction):
    return Session(
        Policy(
            key=keys[0] + keys[1],
            ssrc_type=direction,
            srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
        )
    )


class PlainServer(asyncio.DatagramProtocol):
    """Sends what it gets to one receiver; `mishap(number, sealed)` may lose or spoil packets."""

    def __init__(self, receiver, mishap=lambda _number, sealed: sealed):
        self._receiver = receiver
        self._mishap = mishap
        self._open = libsrtp(UP, Policy.SSRC_ANY_INBOUND)
        self._seal = libsrtp(DOWN, Policy.SSRC_ANY_OUTBOUND)
        self.packets = []
        self.reports = []

    def connection_made(self, transport):
        self._transport = transport

    def datagram_received(self, data, address):
        if 192 <= data[1] < 224:
            self.reports.append(self._open.unprotect_rtcp(data))
            return
        packet = self._open.unprotect(data)
        self.packets.append((packet, address))
        sealed = self._mishap(len(self.packets), self._seal.protect(packet))
        if sealed is not None:
            self._transport.sendto(sealed, self._receiver)


def run(with_generator, mishap=lambda _number, sealed: sealed, sample_every=1, seconds=0.5):
    """Fan-out 1 through a plain server."""
    load = fan_out(1)
    outcome = {}

    async def scenario(generator):
        loop = asyncio.get_running_loop()
        receiver = load.parties[1].receiving_leg
        network = generator.network
        bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        # On a busy machine the generator catches up in one burst.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        bound.bind(("127.0.0.1", 0))
        transport, server = await loop.create_datagram_endpoint(
            lambda: PlainServer((network.client_ip(receiver), generator.port), mishap), sock=bound
        )
        remote = transport.get_extra_info("sockname")
        for leg in (load.parties[0].publishing_leg, receiver):
            generator.set_leg(leg, remote, session_keys(*UP), session_keys(*DOWN))
        generator.reset(sample_every)
        await generator.run(seconds, 1)
        await drain(generator)
        outcome.update(counters=generator.counters(), delays=generator.delays(), server=server, network=network)
        transport.close()

    with_generator(load, scenario)
    return outcome


def test_packets_are_genuine_srtp_of_the_nominal_rate_in_bursts_of_frames(with_generator):
    outcome = run(with_generator)
    packets = [packet for packet, _ in outcome["server"].packets]
    video = [packet for packet in packets if packet[1] & 0x7F == 96]
    assert {len(packet) for packet in video} == {1100}
    assert 60 <= len(video) <= 134
    assert len(video) / 6 <= len(packets) - len(video) <= len(video) / 4
    frames = {packet[4:8] for packet in video}
    assert 8 <= len(video) / len(frames) <= 9
    assert sum(packet[1] >> 7 for packet in video) == len(frames)
    numbers = [int.from_bytes(packet[2:4]) for packet in video]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_each_leg_has_an_address_of_its_own(with_generator):
    outcome = run(with_generator)
    assert {address[0] for _, address in outcome["server"].packets} == {outcome["network"].client_ip(0)}


def test_everything_forwarded_is_counted_opened_and_timed(with_generator):
    outcome = run(with_generator)
    counters, delays = outcome["counters"], outcome["delays"]
    assert counters.received == counters.expected == counters.sent > 60
    assert counters.opened == delays.samples == counters.received
    assert counters.forged == counters.late == counters.unknown == 0
    assert 0 < delays.p50_ms <= delays.p99_ms < 1000


def test_what_the_server_loses_shows_as_loss(with_generator):
    counters = run(with_generator, lambda number, sealed: None if number % 10 == 0 else sealed)["counters"]
    assert counters.expected - counters.received == counters.expected // 10


def test_spoilt_packets_are_told_from_genuine_ones(with_generator):
    def spoil(number, sealed):
        return sealed[:-1] + bytes([sealed[-1] ^ 1]) if number % 5 == 0 else sealed

    counters = run(with_generator, spoil)["counters"]
    assert counters.forged == counters.received // 5
    assert counters.opened == counters.received - counters.forged


def test_only_samples_are_opened_when_asked_for(with_generator):
    counters = run(with_generator, sample_every=10)["counters"]
    assert counters.opened == -(-counters.received // 10)


def test_publishers_and_receivers_report_once_a_second(with_generator):
    reports = run(with_generator, seconds=1.3)["server"].reports
    assert {report[1] for report in reports} == {200, 201}
    assert len(reports) <= 6


def test_what_is_neither_rtp_nor_rtcp_reaches_python_during_a_run(with_generator):
    load = fan_out(1)
    heard = []

    async def scenario(generator):
        generator.on_control = lambda leg, data: heard.append((leg, data))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            running = asyncio.create_task(generator.run(0.2, 0))
            await asyncio.sleep(0.05)
            sender.sendto(b"\x00\x01stun", (generator.network.client_ip(3), generator.port))
            await running
            sender.sendto(b"\x16dtls", (generator.network.client_ip(2), generator.port))
            await asyncio.sleep(0.05)

    with_generator(load, scenario)
    assert heard == [(3, b"\x00\x01stun"), (2, b"\x16dtls")]


def test_a_run_sends_each_legs_check_and_counts_the_answers(with_generator):
    load = fan_out(1)
    check = b"\x00\x01" + bytes(18)
    heard, outcome = [], {}

    class Answering(asyncio.DatagramProtocol):
        def connection_made(self, transport):
            self._transport = transport

        def datagram_received(self, data, address):
            heard.append((data, address[0]))
            self._transport.sendto(b"\x01\x01" + data[2:], address)

    async def scenario(generator):
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(Answering, local_addr=("127.0.0.1", 0))
        generator.on_control = lambda leg, _data: heard.append(leg)
        for leg in (0, 1):
            generator.set_leg(leg, transport.get_extra_info("sockname"), session_keys(*UP), session_keys(*DOWN))
            generator.set_check(leg, check)
        await generator.run(1.4, 0)
        outcome.update(counters=generator.counters(), first=generator.network.client_ip(0))
        outcome.update(last=generator.network.client_ip(1))
        transport.close()

    with_generator(load, scenario)
    assert heard == [(check, outcome["first"]), (check, outcome["last"])]
    assert outcome["counters"].checks == outcome["counters"].checks_answered == 2


def test_only_the_lessons_asked_for_send(with_generator):
    load = lessons(3)
    sent = {}

    async def scenario(generator):
        keys = session_keys(*UP), session_keys(*DOWN)
        for party in load.parties:
            generator.set_leg(party.publishing_leg, ("127.0.0.1", 9), *keys)
        for count in (1, 3):
            generator.reset(1)
            await generator.run(0.3, count)
            sent[count] = generator.counters().sent

    with_generator(load, scenario)
    assert 90 <= sent[1] <= 205
    assert 2 <= sent[3] / sent[1] <= 4.5
