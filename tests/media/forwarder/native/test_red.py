"""Sound that carries earlier sound (RED): passed on to whoever negotiated it, cut down to Opus for everyone else."""

import pytest
from forwarder_oracle.red import Block, read_red, write_red
from forwarder_oracle.rtp import parse_rtp, write_rtp
from hypothesis import given, settings
from hypothesis import strategies as st

from media.forwarder import api

PUBLISHER, RECEIVER = ("192.0.2.1", 1), ("192.0.2.1", 2)
OPUS = api.StreamCodec(111, "opus", 48000, nack=True)
RED = api.StreamCodec(63, "red", 48000)
SSRC = {10: {"opus": (109, None), "red": (62, None)}, 11: {"opus": (110, None)}, 12: {"vp8": (120, None)}}
"Who has both, who has Opus, who has neither."
BLOCKS = st.lists(
    st.builds(Block, st.just(111), st.binary(min_size=1, max_size=300), st.integers(0, 0x3FFF)), min_size=1, max_size=4
)


def publish(stage) -> None:
    stage.obey(api.AddStream(1, 1, "audio", "0", (OPUS, RED), api.ExtensionIds(), (100,)))
    for ssrc, payload_types in SSRC.items():
        stage.obey(api.AddSink(ssrc, 1, 2, ssrc, None, payload_types, api.ExtensionIds(), ""))
    stage.obey(api.SetTap(1, True))


def give(stage, seq: int, payload_type: int, payload: bytes) -> dict[int, list]:
    """A packet of the publisher arrives; what each SSRC sends for it."""
    packet = write_rtp(True, payload_type, seq, 960 * seq, 100, b"", payload)
    stage.core.receive(stage.to_core.protect(packet), PUBLISHER, stage.now)
    return sent(stage)


def sent(stage) -> dict[int, list]:
    by_ssrc = {}
    for datagram, _ in stage.core.outgoing():
        if not 192 <= datagram[1] <= 223:
            packet = parse_rtp(stage.from_core.unprotect(datagram))
            by_ssrc.setdefault(packet.ssrc, []).append(packet)
    return by_ssrc


def newest_only(blocks: list[Block]) -> list[Block]:
    return [*blocks[:-1], Block(111, blocks[-1].data)]


@settings(deadline=None, max_examples=100)
@given(rows=st.lists(st.one_of(BLOCKS, st.binary(min_size=1, max_size=300)), min_size=1, max_size=8))
def test_each_receiver_gets_what_it_negotiated_and_the_tap_gets_opus(make_stage, rows):
    stage = make_stage()
    publish(stage)
    for seq, row in enumerate(rows, 1):
        plain = isinstance(row, bytes)
        blocks = [Block(111, row)] if plain else newest_only(row)
        got = give(stage, seq, 111 if plain else 63, row if plain else write_red(blocks))
        (full,), (bare,) = got.pop(10), got.pop(11)
        assert got == {}
        assert (bare.payload_type, bare.payload, bare.marker) == (110, blocks[-1].data, True)
        if plain:
            assert (full.payload_type, full.payload) == (109, row)
        else:
            assert full.payload_type == 62
            assert read_red(full.payload) == [Block(109, block.data, block.age) for block in blocks]
    events = stage.core.events()
    assert [event for event in events if isinstance(event, api.StreamStarted)] == [
        api.StreamStarted(1, 100, "opus", 111)
    ]
    tapped = [parse_rtp(event.packet) for event in events if isinstance(event, api.Tapped)]
    assert [(one.payload_type, one.seq, one.payload) for one in tapped] == [
        (111, seq, row if isinstance(row, bytes) else row[-1].data) for seq, row in enumerate(rows, 1)
    ]


def test_what_a_receiver_asks_for_again_is_the_very_datagram_it_was_sent(stage):
    publish(stage)
    blocks = [Block(111, b"earlier", 960), Block(111, b"newest")]
    packet = write_rtp(False, 63, 5, 4800, 100, b"", write_red(blocks))
    stage.core.receive(stage.to_core.protect(packet), PUBLISHER, stage.now)
    first = {datagram[8:12]: datagram for datagram, _ in stage.core.outgoing()}
    assert len(first) == 2
    for ssrc in (11, 10):
        asked = first[ssrc.to_bytes(4)][2:4]
        nack = b"\x81\xcd\0\3" + bytes(4) + ssrc.to_bytes(4) + asked + bytes(2)
        stage.core.receive(stage.to_core.protect_rtcp(nack), RECEIVER, stage.now)
    again = {datagram[8:12]: datagram for datagram, _ in stage.core.outgoing()}
    assert again == first


@settings(deadline=None, max_examples=100)
@given(kinds=st.lists(st.booleans(), min_size=4, max_size=20), asked=st.booleans())
def test_what_goes_out_twice_is_the_very_datagram_whether_it_came_as_red_or_not(make_stage, kinds, asked):
    """Two texts under one index would give the key away (RFC 7714 8.4)."""
    stage = make_stage()
    publish(stage)
    for sink in SSRC:
        stage.obey(api.SetSinkRepeat(sink, True))
    seen: dict[tuple[int, bytes], list[bytes]] = {}
    for seq, red in enumerate(kinds, 1):
        blocks = [Block(111, b"earlier %d" % seq, 960), Block(111, b"newest %d" % seq)]
        payload = write_red(blocks) if red else blocks[-1].data
        packet = write_rtp(True, 63 if red else 111, seq, 960 * seq, 100, b"", payload)
        stage.core.receive(stage.to_core.protect(packet), PUBLISHER, stage.now)
        for datagram, _ in stage.core.outgoing():
            seen.setdefault((int.from_bytes(datagram[8:12]), datagram[2:4]), []).append(datagram)
        if asked:
            for ssrc, number in list(seen)[-4:]:
                nack = b"\x81\xcd\0\3" + bytes(4) + ssrc.to_bytes(4) + number + bytes(2)
                stage.core.receive(stage.to_core.protect_rtcp(nack), RECEIVER, stage.now)
        stage.now += 0.02
    assert all(len(set(datagrams)) == 1 for datagrams in seen.values())
    # All but the last three; RED as well, for a burst takes both of what stands in neighbours.
    for receiver in (10, 11):
        times = [len(datagrams) for (ssrc, _), datagrams in seen.items() if ssrc == receiver]
        assert times[:-3] == [2] * (len(kinds) - 3) or asked


def test_who_loses_nothing_is_spared_the_bytes_and_what_is_sent_again_stays_what_it_was(stage):
    """Where the transport-wide numbers of what was sent are kept, it is known what each packet was."""
    stage.obey(api.AddStream(1, 1, "audio", "0", (OPUS, RED), api.ExtensionIds(), (100,)))
    stage.obey(api.AddSink(1, 1, 2, 10, None, SSRC[10], api.ExtensionIds(transport_cc=3), ""))
    first, again, types = {}, {}, []
    for seq in range(1, 1500):
        stage.now += 0.02
        packet = write_rtp(
            False, 63, seq, 960 * seq, 100, b"", write_red([Block(111, b"old", 960), Block(111, b"new")])
        )
        stage.core.receive(stage.to_core.protect(packet), PUBLISHER, stage.now)
        (datagram,) = (data for data, _ in stage.core.outgoing() if not 192 <= data[1] <= 223)
        first[int.from_bytes(datagram[2:4])] = datagram
        types.append(datagram[1] & 0x7F)
        if seq == 100:
            report = b"\x81\xc9\0\7" + bytes(4) + (10).to_bytes(4) + b"\x01" + bytes(19)
            stage.core.receive(stage.to_core.protect_rtcp(report), RECEIVER, stage.now)
        if seq in {110, 1230}:
            lost = int.from_bytes(datagram[2:4]) - 20
            nack = b"\x81\xcd\0\3" + bytes(4) + (10).to_bytes(4) + lost.to_bytes(2) + b"\xff\xff"
            stage.core.receive(stage.to_core.protect_rtcp(nack), RECEIVER, stage.now)
            for data, _ in stage.core.outgoing():
                again[int.from_bytes(data[2:4])] = data
    # Without loss Opus; RED from the report on, for 20 s after the NACK; and once more from the second NACK on.
    assert types == [109] * 100 + [62] * 1009 + [109] * 121 + [62] * 269
    assert len(again) == 34
    assert all(first[number] == data for number, data in again.items())


@pytest.mark.parametrize(
    "payload",
    [
        b"\x6f",
        b"\xef\0\0",
        b"\xef\0\0\x05\x6f1234",
        b"\xef\0\0\x05",
        b"\xe0\0\0\x01\x6fab",
        b"\xef\0\0\x01\x60ab",
    ],
)
def test_what_is_cut_off_or_carries_something_else_is_dropped(stage, payload):
    publish(stage)
    assert give(stage, 1, 63, payload) == {}
    assert stage.core.statistics().dropped == {"malformed": 1}


def test_red_is_for_sound_beside_opus(stage):
    for kind, codecs in (("audio", (RED,)), ("video", (OPUS, RED))):
        with pytest.raises(api.CommandError, match="red carries Opus"):
            stage.obey(api.AddStream(1, 1, kind, "0", codecs, api.ExtensionIds()))
