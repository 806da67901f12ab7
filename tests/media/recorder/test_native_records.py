"""Records between the packet core and the file: whole under concurrent writing, in order, bounded, sums as zlib's."""

import os
import random
import threading
import zlib
from pathlib import Path

import pytest

from media.recorder.journal import JournalHeader, JournalWriter, RecordKind, read_journal
from media.recorder.journal_disk import JournalDisk
from media.recorder.native.records import JournalRecords, RecordsShare, checksum, write_all

HEADER = JournalHeader("l1", "room:r1", "三年级一班", "room", "t1", "camera", "video", 0.0)


@pytest.mark.parametrize("slowly", [True, False])
def test_checksums_are_those_of_zlib_at_every_length(slowly: bool) -> None:
    generator = random.Random(7)
    for length in [*range(300), 1023, 1024, 1025, 1517, 16_384]:
        data = generator.randbytes(length)
        assert checksum(data, slowly=slowly) == zlib.crc32(data)


def test_two_producers_and_the_writer_at_once_lose_and_tear_nothing(tmp_path: Path) -> None:
    disk = JournalDisk(flush_interval_s=0.008)
    writer = JournalWriter(tmp_path / "t1.journal", HEADER, disk=disk)

    def produce(first: int) -> None:
        generator = random.Random(first)
        for number in range(first, first + 20_000):
            writer.packet(1 + number, number.to_bytes(4, "big") + bytes(generator.randrange(300)))

    producers = [threading.Thread(target=produce, args=(first,)) for first in (0, 1_000_000)]
    for producer in producers:
        producer.start()
    for producer in producers:
        producer.join()
    assert writer.close(9)
    disk.close()
    records = list(read_journal(writer.path))
    numbers = [int.from_bytes(record.body[:4], "big") for record in records if record.kind is RecordKind.PACKET]
    assert [number for number in numbers if number < 1_000_000] == list(range(20_000))
    assert [number for number in numbers if number >= 1_000_000] == list(range(1_000_000, 1_020_000))
    assert records[-1].kind is RecordKind.END
    assert (writer.dropped, disk.queued_bytes) == (0, 0)


def test_a_journal_begins_with_its_first_record_and_without_one_there_is_none(tmp_path: Path) -> None:
    disk = JournalDisk(flush_interval_s=0.01)
    silent = JournalWriter(tmp_path / "silent.journal", HEADER, disk=disk)
    silent.pause(5)
    assert silent.close(6)
    assert not silent.path.exists()
    heard = JournalWriter(tmp_path / "heard.journal", HEADER, disk=disk)
    heard.codec(7_000_000, "vp8", 96, 90_000)
    assert heard.close(8_000_000)
    disk.close()
    records = list(read_journal(heard.path))
    assert JournalHeader.decode(records[0].body).started_at == 7.0
    assert [record.kind for record in records] == [RecordKind.HEADER, RecordKind.CODEC, RecordKind.END]


def test_what_is_longer_than_any_packet_is_dropped_and_counted() -> None:
    records = JournalRecords(RecordsShare(1 << 20), 5, 1 << 20)
    records.put(RecordKind.PACKET, 1, bytes(16_384))
    assert (records.dropped, records.queued_bytes, records.began_us) == (1, 0, 0)


def test_queues_are_emptied_however_much_waits(tmp_path: Path) -> None:
    # More chunks than one call takes.
    share = RecordsShare(64 << 20)
    records = JournalRecords(share, 5, 64 << 20)
    for number in range(4000):
        records.put(RecordKind.PACKET, number, bytes(1000))
    file = os.open(tmp_path / "chunks", os.O_WRONLY | os.O_CREAT)
    records.write_to(file, 0)
    assert share.queued_bytes == 4000 * 1017
    write_all([records])
    os.close(file)
    assert (records.error, records.dropped, share.queued_bytes) == (0, 0, 0)
    assert (tmp_path / "chunks").stat().st_size == records.file_bytes == 4000 * 1017
