import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.recorder.journal import JournalError, JournalHeader, JournalWriter, Record, RecordKind, read_journal
from media.recorder.journal_format import MAGIC, SENDER_REPORT, CodecNote, encode_record
from media.recorder.lesson_file import LessonFile, read_lesson_file, write_lesson_file

HEADER = JournalHeader("l1", "room:r1", "三年级一班", "room", "t1", "camera", "video", 1000.5)


def journal_bytes(*records: bytes) -> bytes:
    return MAGIC + encode_record(RecordKind.HEADER, 1, HEADER.encode()) + b"".join(records)


def test_what_is_written_is_read_back_in_order(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "new" / "t1.journal", HEADER)
    writer.codec(10, "h264", 108, 90000)
    writer.packet(11, b"packet")
    writer.sender_report(12, 0x0123456789ABCDEF, 0xDEADBEEF)
    writer.pause(13)
    writer.resume(14)
    assert writer.close(15)
    records = list(read_journal(writer.path))
    assert [record.kind for record in records] == [
        RecordKind.HEADER,
        RecordKind.CODEC,
        RecordKind.PACKET,
        RecordKind.SENDER_REPORT,
        RecordKind.PAUSE,
        RecordKind.RESUME,
        RecordKind.END,
    ]
    assert JournalHeader.decode(records[0].body) == HEADER
    assert records[0].arrival_us == 1_000_500_000
    assert CodecNote.decode(records[1].body) == CodecNote("h264", 108, 90000)
    assert records[2] == Record(RecordKind.PACKET, 11, b"packet")
    assert SENDER_REPORT.unpack(records[3].body) == (0x0123456789ABCDEF, 0xDEADBEEF)
    assert writer.dropped == 0
    assert writer.problem is None


def test_a_full_queue_drops_and_counts_and_still_ends_cleanly(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "t1.journal", HEADER, queue_limit_bytes=1000, flush_interval_s=60)
    started = time.monotonic()
    for index in range(100):
        writer.packet(index, bytes(100))
    assert time.monotonic() - started < 1
    assert writer.dropped == 100 - 1000 // 117
    writer.close(200)
    kinds = [record.kind for record in read_journal(writer.path)]
    assert kinds == [RecordKind.HEADER] + [RecordKind.PACKET] * 8 + [RecordKind.END]


def test_records_after_the_end_are_refused_and_counted(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "t1.journal", HEADER)
    writer.close(1)
    writer.packet(2, b"late")
    assert writer.close(3)
    assert writer.dropped == 1
    assert [record.kind for record in read_journal(writer.path)] == [RecordKind.HEADER, RecordKind.END]


def test_a_folder_that_cannot_be_made_is_reported_and_not_raised(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    problems: list[str | None] = []
    writer = JournalWriter(tmp_path / "file" / "t1.journal", HEADER, on_problem=problems.append)
    writer.packet(1, b"packet")
    assert writer.close(2)
    assert writer.dropped == 2
    assert len(problems) == 1
    assert "t1.journal cannot be written" in str(problems[0])


def test_a_full_disk_is_reported_and_what_was_written_before_stays_readable(tmp_path: Path) -> None:
    # RLIMIT_FSIZE plays the full disk: writes beyond it fail with EFBIG in the middle of a record.
    script = textwrap.dedent("""
        import resource, signal, sys
        from pathlib import Path
        from media.recorder.journal import JournalHeader, JournalWriter
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 20000))
        seen = []
        header = JournalHeader("l1", "room:r1", "n", "room", "t1", "camera", "video", 1.0)
        writer = JournalWriter(Path(sys.argv[1]), header, on_problem=seen.append, flush_interval_s=0.01)
        def wait(done):
            import time
            deadline = time.monotonic() + 20
            while not done() and time.monotonic() < deadline:
                time.sleep(0.005)
        for index in range(20):
            writer.packet(index, bytes([index]) * 1000)
            wait(lambda: writer.records.queued_bytes == 0)
        assert writer.dropped > 0, writer.dropped
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
        writer.packet(99, b"after")
        wait(lambda: writer.problem is None)
        writer.close(100)
        assert seen[-1] is None and "File too large" in seen[0], seen
        print(writer.dropped)
    """)
    path = tmp_path / "t1.journal"
    result = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    packets = [record for record in read_journal(path) if record.kind is RecordKind.PACKET]
    assert len(packets) == 20 - int(result.stdout) + 1
    assert packets[-1].body == b"after"


def test_a_killed_writer_loses_at_most_the_last_second(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import sys, time
        from pathlib import Path
        from media.recorder.journal import JournalHeader, JournalWriter
        header = JournalHeader("l1", "room:r1", "n", "room", "t1", "camera", "video", 1.0)
        writer = JournalWriter(Path(sys.argv[1]), header)
        while True:
            now_us = time.time_ns() // 1000
            writer.packet(now_us, bytes(50))
            print(now_us, flush=True)
            time.sleep(0.01)
    """)
    path = tmp_path / "t1.journal"
    process = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(150):
        last_us = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    remaining = process.communicate()[0].split()
    last_us = int(remaining[-1]) if remaining else last_us
    records = list(read_journal(path))
    assert records[-1].kind is RecordKind.PACKET
    assert last_us - records[-1].arrival_us < 1_000_000


@pytest.mark.parametrize("cut", range(1, 18 + 6))
def test_a_torn_tail_is_cut_at_the_last_whole_record(tmp_path: Path, cut: int) -> None:
    whole = journal_bytes(encode_record(RecordKind.PACKET, 5, b"first"))
    path = tmp_path / "torn.journal"
    path.write_bytes(whole + encode_record(RecordKind.PACKET, 6, b"second!")[:-cut])
    assert [record.body for record in read_journal(path)][1:] == [b"first"]


def test_one_damaged_record_is_left_out_and_the_rest_is_read(tmp_path: Path) -> None:
    damaged = bytearray(encode_record(RecordKind.PACKET, 6, b"second"))
    damaged[-1] ^= 1
    path = tmp_path / "damaged.journal"
    first, third = encode_record(RecordKind.PACKET, 5, b"first"), encode_record(RecordKind.PACKET, 7, b"third")
    path.write_bytes(journal_bytes(first, bytes(damaged), third))
    assert [record.body for record in read_journal(path)][1:] == [b"first", b"third"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"3CJ",
        b"3CJ1",
        b"RIFF" + bytes(100),
        MAGIC + encode_record(RecordKind.PACKET, 1, b"no header"),
        MAGIC + encode_record(RecordKind.HEADER, 1, b"{}"),
        MAGIC + encode_record(RecordKind.HEADER, 1, b"[1]"),
        MAGIC + encode_record(RecordKind.HEADER, 1, b"\xff"),
        MAGIC + encode_record(RecordKind.HEADER, 1, b"[" * 100_000),
        MAGIC + encode_record(RecordKind.HEADER, 1, HEADER.encode().replace(b'"video"', b'"smell"')),
        MAGIC + b"\xff" * 200,
    ],
)
def test_a_file_that_is_no_journal_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.journal"
    path.write_bytes(content)
    with pytest.raises(JournalError):
        list(read_journal(path))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 255))
def test_any_bytes_are_read_or_refused_with_a_journal_error(
    tmp_path_factory: pytest.TempPathFactory, tail: bytes, position: int, value: int
) -> None:
    content = bytearray(journal_bytes(encode_record(RecordKind.PACKET, 5, b"first")) + tail)
    content[position % len(content)] = value
    path = tmp_path_factory.mktemp("hostile") / "x.journal"
    path.write_bytes(content)
    try:
        records = list(read_journal(path))
    except JournalError:
        return
    assert records[0].kind is RecordKind.HEADER


def test_the_lesson_file_is_rewritten_whole_and_refused_when_damaged(tmp_path: Path) -> None:
    folder = tmp_path / "l1"
    assert read_lesson_file(folder) is None
    write_lesson_file(folder, LessonFile("l1", "synchronous", "分数", 12.5))
    write_lesson_file(folder, LessonFile("l1", "synchronous", "小数", 12.5))
    assert read_lesson_file(folder) == LessonFile("l1", "synchronous", "小数", 12.5)
    assert [path.name for path in folder.iterdir()] == ["lesson.json"]
    (folder / "lesson.json").write_text('{"lesson_id": 5}')
    with pytest.raises(JournalError):
        read_lesson_file(folder)
