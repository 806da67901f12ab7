"""The bytes of a journal: one track of one connection as it arrived, decrypted, with arrival times.

A file is the magic `3CJ1` and then records, little endian:
`u32 body length | u32 crc32 of (kind + arrival + body) | u8 kind | u64 arrival in Unix microseconds | body`.
"""

import json
import struct
import zlib
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any

MAGIC = b"3CJ1"
RECORD_HEAD = struct.Struct("<IIBQ")
CHECKED_HEAD = struct.Struct("<BQ")
SENDER_REPORT = struct.Struct("<QI")
# Larger than any UDP datagram and any header: a longer length can only be damage.
BODY_LIMIT_BYTES = 1 << 17


class JournalError(Exception):
    """The file is not a journal, or its beginning is damaged so that nothing in it can be trusted."""


class RecordKind(IntEnum):
    """What the body of a record is."""

    HEADER = 0
    PACKET = 1
    SENDER_REPORT = 2
    CODEC = 3
    PAUSE = 4
    RESUME = 5
    END = 6


@dataclass(frozen=True, slots=True)
class Record:
    """One record; `arrival_us` is Unix time in microseconds."""

    kind: RecordKind
    arrival_us: int
    body: bytes


@dataclass(frozen=True, slots=True)
class JournalHeader:
    """Whose track a journal holds; `kind` is "audio" or "video", `started_at` Unix seconds on the relay's clock."""

    lesson_id: str
    party_id: str
    party_name: str
    role: str
    track_id: str
    source: str
    kind: str
    started_at: float
    relay_id: str = ""

    def encode(self) -> bytes:
        """The body of the header record."""
        return json.dumps(asdict(self), ensure_ascii=False).encode()

    @classmethod
    def decode(cls, body: bytes) -> "JournalHeader":
        """The header in `body`; raises JournalError if a field is missing or of the wrong type."""
        fields = decode_json(body)
        texts = ("lesson_id", "party_id", "party_name", "role", "track_id", "source", "kind")
        started_at = fields.get("started_at")
        if not all(isinstance(fields.get(name), str) for name in texts) or not isinstance(started_at, int | float):
            raise JournalError("the journal's header lacks a field")
        if fields["kind"] not in {"audio", "video"}:
            raise JournalError(f"the journal's kind {fields['kind'][:20]!r} is neither audio nor video")
        relay_id = fields.get("relay_id", "")
        return cls(**{name: fields[name] for name in texts}, started_at=float(started_at), relay_id=str(relay_id))


@dataclass(frozen=True, slots=True)
class CodecNote:
    """The codec from here on: `name` is "opus", "vp8" or "h264", `clock_rate` in Hz."""

    name: str
    payload_type: int
    clock_rate: int

    def encode(self) -> bytes:
        """The body of the codec record."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, body: bytes) -> "CodecNote":
        """The codec in `body`; raises JournalError if it makes no sense."""
        fields = decode_json(body)
        name, payload_type, clock_rate = fields.get("name"), fields.get("payload_type"), fields.get("clock_rate")
        if not isinstance(name, str) or type(payload_type) is not int or type(clock_rate) is not int:
            raise JournalError("the journal's codec record lacks a field")
        if not 0 <= payload_type < 128 or clock_rate <= 0:
            raise JournalError("the journal's codec record has a number out of range")
        return cls(name.lower(), payload_type, clock_rate)


def decode_json(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; raises JournalError if it is none."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise JournalError("a journal record is not JSON") from error
    if not isinstance(fields, dict):
        raise JournalError("a journal record is not a JSON object")
    return fields


def encode_record(kind: RecordKind, arrival_us: int, body: bytes) -> bytes:
    """The record's bytes; raises ValueError if the body is longer than a journal allows."""
    if len(body) > BODY_LIMIT_BYTES:
        raise ValueError(f"a journal record of {len(body)} bytes")
    checksum = zlib.crc32(body, zlib.crc32(CHECKED_HEAD.pack(kind, arrival_us)))
    return RECORD_HEAD.pack(len(body), checksum, kind, arrival_us) + body
