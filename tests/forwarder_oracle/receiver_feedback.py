"""Transport-wide feedback of a receiver (draft-holmer-rmcat-transport-wide-cc-extensions-01), written and judged."""

import random
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

_TICK_US = 250
_REFERENCE_US = 64_000
_BUCKET_US = 30_000_000


def write_feedback(base: int, arrivals_us: list[int | None], count: int, choice: random.Random) -> bytes:
    """Return the packet for the numbers from `base` on, None for what did not come; `choice` picks the chunks.

    Arrivals are multiples of 250 us, the first of them at most 32 ms from its reference.
    """
    came = [at for at in arrivals_us if at is not None]
    reference = came[0] // _REFERENCE_US if came else 0
    last, symbols, deltas = reference * _REFERENCE_US, [], b""
    for at in arrivals_us:
        if at is None:
            symbols.append(0)
            continue
        ticks, last = (at - last) // _TICK_US, at
        small = 0 <= ticks <= 0xFF and choice.random() < 0.9
        symbols.append(1 if small else 2)
        deltas += bytes((ticks,)) if small else struct.pack("!h", ticks)
    chunks = _write_chunks(symbols, choice)
    body = struct.pack("!HH", base & 0xFFFF, len(symbols)) + (reference & 0xFFFFFF).to_bytes(3) + bytes((count & 0xFF,))
    body += chunks + deltas
    padding = -len(body) % 4
    if padding:
        body += bytes(padding - 1) + bytes((padding,))
    first = 0x80 | 15 | (0x20 if padding else 0)
    return struct.pack("!BBHII", first, 205, 2 + len(body) // 4, 1, 2) + body


def _write_chunks(symbols: list[int], choice: random.Random) -> bytes:
    out, at = b"", 0
    while at < len(symbols):
        run = 1
        while at + run < len(symbols) and symbols[at + run] == symbols[at] and run < 0x1FFF:
            run += 1
        ahead = symbols[at : at + 14]
        if choice.random() < 0.4 or run > 14:
            out += struct.pack("!H", symbols[at] << 13 | run)
            at += run
        elif max(ahead) < 2 and choice.random() < 0.7:
            out += struct.pack("!H", 0x8000 | sum(symbol << (13 - i) for i, symbol in enumerate(ahead)))
            at += 14
        else:
            ahead = ahead[:7]
            out += struct.pack("!H", 0xC000 | sum(symbol << (12 - 2 * i) for i, symbol in enumerate(ahead)))
            at += 7
    return out


@dataclass
class LineModel:
    """What the windows of a receiver's reports must say; times in microseconds, sizes in bytes."""

    sent: Mapping[int, tuple[int, int]]
    "By extended number: when it was sent, its size."
    reported: dict[int, bool] = field(default_factory=dict)
    arrivals: list[int] = field(default_factory=list)
    "Of this window."
    last_arrival: int | None = None
    before: int | None = None
    sent_bytes: int = 0
    acked_bytes: int = 0
    sent_packets: int = 0
    lost_packets: int = 0
    queues: list[int] = field(default_factory=list)
    fastest: list[tuple[int, int]] = field(default_factory=list)
    "Feedback time and one-way time of every packet."

    def take(self, base: int, arrivals_us: list[int | None], now_us: int) -> None:
        """Take in one feedback packet."""
        for number, arrival in enumerate(arrivals_us, base):
            known = self.reported.get(number)
            if number not in self.sent or known or (known is False and arrival is None):
                continue
            at, size = self.sent[number]
            self.reported[number] = arrival is not None
            if known is None:
                self.sent_packets += 1
                self.sent_bytes += size
            if arrival is None:
                self.lost_packets += 1
                continue
            self.lost_packets = max(self.lost_packets - (known is False), 0)
            self.acked_bytes += size
            self.fastest.append((now_us, arrival - at))
            # Tests stay within one bucket of half a minute.
            assert now_us - self.fastest[0][0] < _BUCKET_US
            self.queues.append(arrival - at - min(one_way for _, one_way in self.fastest))
            self.last_arrival = arrival if self.last_arrival is None else max(self.last_arrival, arrival)
            self.before = arrival if self.before is None else self.before

    def window(self) -> tuple[float, int, int, int, int, float, float]:
        """Return span_ms, sent_bits, acked_bits, sent_packets, lost_packets, queue_ms and its least; begin the next."""
        span = 0 if self.before is None else ((self.last_arrival or 0) - self.before) / 1000
        queue = sum(self.queues) // len(self.queues) / 1000 if self.queues else 0.0
        counted = (self.sent_bytes * 8, self.acked_bytes * 8, self.sent_packets, self.lost_packets)
        told = (span, *counted, queue, min(self.queues, default=0) / 1000)
        self.before = self.last_arrival
        self.sent_bytes = self.acked_bytes = self.sent_packets = self.lost_packets = 0
        self.queues = []
        return told
