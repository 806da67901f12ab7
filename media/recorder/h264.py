"""Which NAL units an H.264 picture in Annex B form has (ITU-T H.264 7.4.1), as far as a recording needs it."""

from collections.abc import Iterator

IDR, SPS, PPS = 5, 7, 8
START_CODE = b"\x00\x00\x01"


def nal_units(data: bytes) -> Iterator[bytes]:
    """The NAL units between start codes, without them."""
    start = data.find(START_CODE)
    while start >= 0:
        start += 3
        following = data.find(START_CODE, start)
        unit = data[start:] if following < 0 else data[start:following].rstrip(b"\x00")
        if unit:
            yield unit
        start = following


def is_key_frame(data: bytes) -> bool:
    """Whether the picture is an IDR picture."""
    return any(unit[0] & 0x1F == IDR for unit in nal_units(data))


def parameter_sets(data: bytes) -> bytes:
    """The SPS and PPS in `data` in Annex B form, empty unless both are there."""
    sets = [unit for unit in nal_units(data) if unit[0] & 0x1F in {SPS, PPS}]
    if {unit[0] & 0x1F for unit in sets} != {SPS, PPS}:
        return b""
    return b"".join(b"\x00" + START_CODE + unit for unit in sets)


def begins_whole(data: bytes) -> bool:
    """Whether the first slice begins at the picture's first macroblock (7.3.3: first_mb_in_slice is 0, one set bit)."""
    for unit in nal_units(data):
        if 1 <= unit[0] & 0x1F <= IDR:
            return len(unit) > 1 and bool(unit[1] & 0x80)
    return False
