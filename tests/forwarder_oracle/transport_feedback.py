"""Transport-wide feedback to a publisher (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1)."""

import struct

from forwarder_oracle.sequence import SequenceUnroller

_HISTORY_S = 0.5
_MAX_STATUSES = 400
_TICKS_PER_S = 4000  # deltas count in 250 us
_REFERENCE_TICKS = 256  # reference time counts in 64 ms
_NOT_RECEIVED, _SMALL_DELTA, _LARGE_DELTA = 0, 1, 2
_MAX_RUN = 0x1FFF


class TransportFeedback:
    """Notes when each transport-wide number came and reports it in due time."""

    def __init__(self) -> None:
        self._unroller: SequenceUnroller | None = None
        self._arrivals: dict[int, float] = {}
        self._next_ext_seq = 0
        self._feedback_count = 0

    def arrived(self, seq: int, now: float) -> None:
        """Note an authenticated packet by its 16-bit transport-wide number."""
        if self._unroller is None:
            self._unroller = SequenceUnroller(seq)
            self._next_ext_seq = self._unroller.highest
        ext_seq = self._unroller.extend(seq)
        if ext_seq in self._arrivals or ext_seq <= self._unroller.highest - 0x4000:
            return
        self._unroller.advance(ext_seq)
        self._arrivals[ext_seq] = now
        # Reordered behind the last report: report again from there (the sender keeps the first good news).
        self._next_ext_seq = min(self._next_ext_seq, ext_seq)

    def take(self, now: float) -> list[bytes]:
        """Return the FCI of feedback packets for all that came since the last call, usually one."""
        if self._unroller is None or self._next_ext_seq > self._unroller.highest:
            return []
        feedbacks = []
        numbers = sorted(number for number in self._arrivals if number >= self._next_ext_seq)
        while numbers:
            # A hole wider than a packet can describe is jumped over; the sender takes it as lost either way.
            base = max(self._next_ext_seq, numbers[0] - _MAX_STATUSES // 2)
            end = base + _MAX_STATUSES
            batch = [number for number in numbers if number < end]
            feedbacks.append(self._write(base, batch))
            self._next_ext_seq = batch[-1] + 1
            numbers = numbers[len(batch) :]
        self._arrivals = {number: at for number, at in self._arrivals.items() if now - at < _HISTORY_S}
        return feedbacks

    def _write(self, base: int, numbers: list[int]) -> bytes:
        first_ticks = int(self._arrivals[numbers[0]] * _TICKS_PER_S)
        reference = first_ticks // _REFERENCE_TICKS
        previous = reference * _REFERENCE_TICKS
        statuses = [_NOT_RECEIVED] * (numbers[-1] - base + 1)
        deltas = bytearray()
        for number in numbers:
            ticks = int(self._arrivals[number] * _TICKS_PER_S)
            delta = max(-0x8000, min(ticks - previous, 0x7FFF))
            previous += delta
            if 0 <= delta <= 0xFF:
                statuses[number - base] = _SMALL_DELTA
                deltas.append(delta)
            else:
                statuses[number - base] = _LARGE_DELTA
                deltas += struct.pack("!h", delta)
        head = struct.pack(
            "!HHI", base & 0xFFFF, len(statuses), (reference & 0xFFFFFF) << 8 | self._feedback_count & 0xFF
        )
        self._feedback_count += 1
        return head + write_chunks(statuses) + bytes(deltas)


def write_chunks(statuses: list[int]) -> bytes:
    """Write packet status chunks: runs of one status where they are long, else vectors of seven 2-bit statuses."""
    chunks = bytearray()
    position = 0
    while position < len(statuses):
        run = _run_length(statuses, position)
        if run >= 7 or position + run == len(statuses):
            chunks += struct.pack("!H", statuses[position] << 13 | run)
            position += run
            continue
        chunk = 0xC000
        for index, status in enumerate(statuses[position : position + 7]):
            chunk |= status << (12 - 2 * index)
        chunks += struct.pack("!H", chunk)
        position += 7
    return bytes(chunks)


def _run_length(statuses: list[int], position: int) -> int:
    end = position
    while end < len(statuses) and end - position < _MAX_RUN and statuses[end] == statuses[position]:
        end += 1
    return end - position
