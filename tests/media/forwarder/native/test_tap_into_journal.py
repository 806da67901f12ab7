"""What the core puts into a journal itself is what its events would tell, in the same order, and costs no events."""

from pathlib import Path

import pytest
from forwarder_oracle.red import Block, write_red
from forwarder_oracle.rtp import parse_rtp, write_rtp

from media.forwarder import api
from media.recorder.disk_space import SpaceLevel
from media.recorder.journal import JournalHeader, JournalWriter, Record, RecordKind, read_journal
from media.recorder.journal_disk import JournalDisk
from media.recorder.journal_format import SENDER_REPORT, CodecNote

HEADER = JournalHeader("l1", "room:r1", "三年级一班", "room", "t1", "camera", "video", 0.0)
WALL_US = 1_750_000_000_000_000


@pytest.fixture
def writer(tmp_path: Path):
    disk = JournalDisk(flush_interval_s=0.01)
    yield JournalWriter(tmp_path / "t1.journal", HEADER, disk=disk, given_up_at=SpaceLevel.ROOM_PICTURES)
    disk.close()


def play(stage, into):
    """Layers begin and end, reports come, packets are lost; a simulcast's tap goes from one layer to the other."""
    stage.publish()
    stage.obey(api.SetTap(1, True, into))
    stage.report(0)
    for step in range(12):
        for layer in range(3 if step > 5 else 1):
            stage.frame(layer, key=step in {0, 8})
        stage.wait(0.03)
        if step in {0, 6}:
            for layer in range(3):
                stage.report(layer)
    stage.obey(api.SetTap(1, False))
    stage.frame(2, key=True)
    return stage


def told(event) -> Record:
    """The record of an event."""
    if isinstance(event, api.Tapped):
        return Record(RecordKind.PACKET, round(event.arrival * 1e6) + WALL_US, event.packet)
    if isinstance(event, api.TappedReport):
        body = SENDER_REPORT.pack(event.ntp, event.rtp_timestamp)
        return Record(RecordKind.SENDER_REPORT, round(event.arrival * 1e6) + WALL_US, body)
    return Record(RecordKind.CODEC, 0, CodecNote(event.codec, event.payload_type, 90_000).encode())


def recorded(writer: JournalWriter) -> list[Record]:
    writer.close(1)
    records = [record for record in read_journal(writer.path) if record.kind not in {RecordKind.HEADER, RecordKind.END}]
    return [Record(one.kind, 0, one.body) if one.kind is RecordKind.CODEC else one for one in records]


def test_a_journal_holds_what_events_would_have_told(make_stage, writer) -> None:
    by_events = play(make_stage(), None)
    natively = play(make_stage(), writer.records)
    kinds = (api.StreamStarted, api.Tapped, api.TappedReport)
    expected = [told(event) for event in by_events.events if isinstance(event, kinds)]
    assert recorded(writer) == expected
    assert len(expected) > 25
    assert not [event for event in natively.events if isinstance(event, api.Tapped | api.TappedReport)]
    assert writer.dropped == 0


def test_repairs_stand_in_the_journal_as_what_they_repeat(make_stage, writer) -> None:
    def play_repair(stage, into):
        stage.publish(rids=())
        stage.obey(api.SetTap(1, True, into))
        packets = [packet for _, packet, _ in stage.layers[0].frame(stage.now, key=True)]
        lost = packets[1]
        stage.give(packets[0], *packets[2:])
        # RFC 4588 4: another SSRC and payload type, the original number before the payload.
        header = bytes((lost[0], lost[1] & 0x80 | 97)) + (9).to_bytes(2) + lost[4:8] + (999).to_bytes(4)
        extension = 4 * int.from_bytes(lost[14:16]) + 4
        stage.give(header + lost[12 : 12 + extension] + lost[2:4] + lost[12 + extension :])
        return stage

    by_events = play_repair(make_stage(), None)
    play_repair(make_stage(), writer.records)
    expected = [told(event).body for event in by_events.events if isinstance(event, api.Tapped)]
    found = [record.body for record in recorded(writer) if record.kind is RecordKind.PACKET]
    assert found == expected
    assert len(found) > 1


def test_a_tap_opened_later_begins_with_the_codec(make_stage, writer) -> None:
    stage = make_stage()
    stage.publish(rids=())
    stage.frame(0, key=True)
    stage.obey(api.SetTap(1, True, writer.records))
    stage.frame(0)
    kinds = [record.kind for record in recorded(writer)]
    assert kinds[0] is RecordKind.CODEC
    assert set(kinds[1:]) == {RecordKind.PACKET}


def test_what_the_disk_gives_up_is_a_pause(make_stage, writer) -> None:
    stage = make_stage()
    stage.publish(rids=())
    stage.obey(api.SetTap(1, True, writer.records))
    stage.frame(0, key=True)
    writer._disk.level = SpaceLevel.ROOM_PICTURES
    stage.frame(0)
    assert writer.given_up
    writer._disk.level = SpaceLevel.WELL
    stage.frame(0)
    kinds = [record.kind for record in recorded(writer)]
    assert kinds.count(RecordKind.PAUSE) == kinds.count(RecordKind.RESUME) == 1
    assert kinds.index(RecordKind.PAUSE) < kinds.index(RecordKind.RESUME) < len(kinds) - 1
    assert writer.dropped == 0


def test_the_journal_lives_as_long_as_the_tap(make_stage, tmp_path: Path) -> None:
    disk = JournalDisk(flush_interval_s=0.01)
    stage = make_stage()
    stage.publish(rids=())
    writer = JournalWriter(tmp_path / "t1.journal", HEADER, disk=disk)
    stage.obey(api.SetTap(1, True, writer.records))
    writer.close(1)
    del writer
    disk.close()
    stage.frame(0, key=True)
    stage.obey(api.RemoveStream(1))


def test_of_sound_that_carries_earlier_sound_a_journal_holds_the_newest_as_opus(stage, writer) -> None:
    opus, red = api.StreamCodec(111, "opus", 48_000), api.StreamCodec(63, "red", 48_000)
    stage.obey(api.AddStream(1, 1, "audio", "0", (opus, red), api.ExtensionIds(), (100,)))
    stage.obey(api.SetTap(1, True, writer.records))
    payload = write_red([Block(111, b"earlier", 960), Block(111, b"newest")])
    stage.give(write_rtp(True, 63, 5, 4800, 100, b"", payload), write_rtp(True, 111, 6, 5760, 100, b"", b"plain"))
    note, *packets = recorded(writer)
    assert CodecNote.decode(note.body) == CodecNote("opus", 111, 48_000)
    found = [parse_rtp(packet.body) for packet in packets]
    assert [(one.payload_type, one.seq, one.payload) for one in found] == [(111, 5, b"newest"), (111, 6, b"plain")]


def test_what_takes_no_packets_is_refused(stage) -> None:
    stage.publish()
    with pytest.raises(api.CommandError):
        stage.obey(api.SetTap(1, True, 5))
