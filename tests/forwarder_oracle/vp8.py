"""VP8 payload descriptors (RFC 7741 4.2) in plain Python, and the numbers a receiver of chosen layers must see."""

from dataclasses import dataclass, field, replace

from forwarder_oracle.rtp import MalformedError


@dataclass(frozen=True)
class Vp8Descriptor:
    """What a payload descriptor says; None: absent."""

    start: bool
    "S: a partition begins with this packet."
    partition: int = 0
    "PID, 3 bits."
    picture: int | None = None
    "Picture id."
    long_picture: bool = True
    "Whether the picture id has 15 bits, else 7."
    tl0: int | None = None
    "TL0PICIDX, 8 bits."
    tid: int | None = None
    "Temporal layer, 2 bits."
    sync: bool = False
    "Y: needs the base layer only."
    key: int | None = None
    "KEYIDX, 5 bits."

    def write(self) -> bytes:
        """Return the bytes of the descriptor."""
        with_tid = self.tid is not None or self.key is not None
        present = (
            (self.picture is not None) << 7
            | (self.tl0 is not None) << 6
            | (self.tid is not None) << 5
            | (self.key is not None) << 4
        )
        out = bytes(((0x80 if present else 0) | self.start << 4 | self.partition,))
        if present:
            out += bytes((present,))
        if self.picture is not None:
            out += (0x8000 | self.picture).to_bytes(2) if self.long_picture else bytes((self.picture,))
        if self.tl0 is not None:
            out += bytes((self.tl0,))
        if with_tid:
            out += bytes(((self.tid or 0) << 6 | self.sync << 5 | (self.key or 0),))
        return out


def read_vp8_descriptor(payload: bytes) -> tuple[Vp8Descriptor, int]:
    """Return the descriptor and its length. Raises MalformedError if it is cut off."""
    try:
        first = payload[0]
        found = Vp8Descriptor(bool(first & 0x10), first & 7)
        if not first & 0x80:
            return found, 1
        present, at = payload[1], 2
        if present & 0x80:
            long = bool(payload[at] & 0x80)
            picture = (payload[at] & 0x7F) << 8 | payload[at + 1] if long else payload[at]
            found, at = replace(found, picture=picture, long_picture=long), at + 1 + long
        if present & 0x40:
            found, at = replace(found, tl0=payload[at]), at + 1
        if present & 0x30:
            last = payload[at]
            found = replace(found, sync=bool(last & 0x20)) if present & 0x20 else found
            found = replace(found, tid=last >> 6 if present & 0x20 else None, key=last & 31 if present & 0x10 else None)
            at += 1
    except IndexError:
        raise MalformedError("VP8 descriptor cut off") from None
    return found, at


def is_keyframe_start(payload: bytes) -> bool:
    """Whether a key frame begins with this payload."""
    try:
        descriptor, length = read_vp8_descriptor(payload)
    except MalformedError:
        return False
    return descriptor.start and descriptor.partition == 0 and len(payload) > length and not payload[length] & 1


@dataclass
class Vp8Row:
    """The unbroken row of pictures one receiver sees; fed with the packets of whichever layer it is on.

    A dictionary says for every frame what became of it, so that all packets of a frame fare alike.
    """

    wanted_temporal: int = 4
    temporal: int = 4
    next_out: int | None = None
    "Picture id the next new frame gets if no frame was lost before it, extended."
    last_tl0: int = 0
    _highest: int = 0
    _fates: dict[int, int | None] = field(default_factory=dict)
    "Extended picture id of this stay: what is added to it, None if the frame is left out."
    _offset: int = 0
    _tl0_shift: int = 0
    _fresh: bool = True
    _first: int = 0

    def restart(self) -> None:
        """The next packet begins another layer's key frame."""
        self._fresh = True
        self.temporal = self.wanted_temporal

    def take(self, payload: bytes) -> bytes | None:
        """Return the payload the receiver gets, None if it gets none (left out, or from before the switch)."""
        descriptor, length = read_vp8_descriptor(payload)
        if descriptor.picture is None:
            return payload
        if self._fresh:
            self._begin(descriptor)
        picture = self._extended(descriptor)
        if is_keyframe_start(payload):
            self.temporal = self.wanted_temporal
        if picture < self._first:
            return None
        offset = self._fates[picture] if picture in self._fates else self._decide(picture, descriptor)
        if offset is None:
            return None
        self.next_out = max(self.next_out or 0, picture + offset + 1)
        cycle = 0x7FFF if descriptor.long_picture else 0x7F
        tl0 = None if descriptor.tl0 is None else (descriptor.tl0 + self._tl0_shift) & 0xFF
        return replace(descriptor, picture=(picture + offset) & cycle, tl0=tl0).write() + payload[length:]

    def _begin(self, descriptor: Vp8Descriptor) -> None:
        self._fresh = False
        self._fates = {}
        self._highest = self._first = 0x8000 + (descriptor.picture or 0)
        self._offset = 0 if self.next_out is None else self.next_out - self._highest
        if self.next_out is not None and descriptor.tl0 is not None:
            self._tl0_shift = (self.last_tl0 + 1 - descriptor.tl0) & 0xFF

    def _extended(self, descriptor: Vp8Descriptor) -> int:
        cycle = 0x8000 if descriptor.long_picture else 0x80
        low = (self._highest + cycle // 2 - 1 - (descriptor.picture or 0)) // cycle * cycle
        return low + (descriptor.picture or 0)

    def _decide(self, picture: int, descriptor: Vp8Descriptor) -> int | None:
        tid = descriptor.tid or 0
        if picture <= self._highest and self._fates:
            # The whole frame comes late: a number was kept for it.
            since = sum(1 for known, fate in self._fates.items() if known > picture and fate is None)
            if tid <= self.temporal:
                self._fates[picture] = self._offset + since
            return self._fates.get(picture)
        self._highest = picture
        self.temporal = min(self.temporal, self.wanted_temporal)
        if tid > self.temporal and descriptor.sync and tid == self.temporal + 1 <= self.wanted_temporal:
            self.temporal = tid
        if tid > self.temporal and self._fates:
            self._fates[picture] = None
            self._offset -= 1
            return None
        self._fates[picture] = self._offset
        if descriptor.tl0 is not None:
            self.last_tl0 = (descriptor.tl0 + self._tl0_shift) & 0xFF
        return self._offset
