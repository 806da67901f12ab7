"""What a lesson keeps is bounded, however long it lasts, whatever its receivers ask, whether or not Python listens."""

import resource

from forwarder_oracle.rtp import write_extensions, write_rtp

from media.forwarder import api

MOST_EVENTS_MIB = 32


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_a_long_lesson_takes_no_more_memory_than_a_short_one(stage):
    """Frames in three layers, a narrow line, a receiver that asks for everything and changes its mind."""
    stage.publish()
    stage.obey(api.SetPeerRate(2, 300_000))
    before_mib, numbers = 0.0, [0]
    for step in range(1500):
        for layer in range(3):
            numbers += [packet.seq for packet in stage.frame(layer, key=step % 40 == 0, packets=6)]
        stage.wait(0.03)
        if step % 50 == 0:
            stage.obey(api.SetSinkLayer(1, step // 50 % 3))
        asked = b"".join(number.to_bytes(2) + b"\xff\xff" for number in numbers[-40::4])
        nack = b"\x81\xcd" + (2 + len(asked) // 4).to_bytes(2) + bytes(4) + (10).to_bytes(4) + asked
        stage.give_rtcp(nack, ("192.0.2.1", 2))
        stage.rtcp.clear()
        stage.datagrams.clear()
        stage.events.clear()
        del numbers[:-40]
        if step == 700:
            before_mib = peak_mib()
    assert stage.core.statistics().sinks[1].resent > 100
    assert peak_mib() - before_mib < 1.0


def test_the_memory_of_streams_that_are_gone_serves_again(stage):
    vp8 = api.StreamCodec(96, "vp8", 90000)

    def publish(times: int) -> None:
        for _ in range(times):
            stage.obey(api.AddStream(1, 1, "video", "0", (vp8,), api.ExtensionIds(), (100,)))
            packet = write_rtp(False, 96, 1, 0, 100, b"", b"\x10\0picture")
            stage.core.receive(stage.to_core.protect(packet), ("192.0.2.1", 1), stage.now)
            stage.obey(api.RemoveStream(1))

    publish(10)
    before_mib = peak_mib()
    publish(500)
    assert peak_mib() - before_mib < 8.0


def test_events_that_nobody_takes_are_dropped_and_counted_past_a_bound(stage):
    opus = api.StreamCodec(111, "opus", 48000)
    stage.obey(api.AddStream(1, 1, "audio", "0", (opus,), api.ExtensionIds(), (100,)))
    stage.obey(api.SetTap(1, True))
    payload, seq = bytes(1200), 0

    def sound() -> None:
        nonlocal seq
        seq += 1
        packet = write_rtp(False, 111, seq, 0, 100, b"", payload)
        stage.core.receive(stage.to_core.protect(packet), ("192.0.2.1", 1), stage.now)

    sound()
    before_mib = peak_mib()
    while "events_full" not in stage.core.statistics().dropped:
        sound()
        assert seq * len(payload) < (MOST_EVENTS_MIB + 8) << 20
    assert peak_mib() - before_mib < 2 * MOST_EVENTS_MIB
    assert stage.core.statistics().streams[1].packets == seq
    kept = len(stage.core.events())
    assert kept > 10_000
    sound()
    (tapped,) = stage.core.events()
    assert tapped.packet[2:4] == (seq & 0xFFFF).to_bytes(2)


def test_packets_that_come_too_late_or_under_no_payload_type_or_repair_nothing_known_are_counted(stage):
    stage.publish()
    stage.frame(0, key=True, packets=1)
    late = stage.to_core.protect(stage.layers[0].packet(stage.now, b"\x10\1late", False)[1])
    for _ in range(920):
        stage.frame(0, packets=1)
    strange = write_rtp(False, 44, stage.layers[0].seq + 1, 1, 100, b"", b"\x10\0")
    repairs = write_rtp(False, 97, 1, 1, 900, write_extensions([(4, b"0"), (11, b"f")]), b"\0\1\x10\0")
    for datagram in (late, stage.to_core.protect(strange), stage.to_core.protect(repairs)):
        stage.core.receive(datagram, ("192.0.2.1", 1), stage.now)
    assert stage.core.statistics().dropped == {"late": 1, "unknown_payload_type": 1, "unbound_rtx": 1}
