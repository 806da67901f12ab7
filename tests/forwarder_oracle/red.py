"""RED (RFC 2198 section 3): blocks of earlier sound, each with its age, before the newest one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Block:
    """One piece of sound."""

    payload_type: int
    data: bytes
    age: int = 0
    "In RTP clock ticks; 0 for the newest."


def write_red(blocks: list[Block]) -> bytes:
    """Put blocks together, the newest last."""
    *earlier, newest = blocks
    heads = b"".join(
        (1 << 31 | block.payload_type << 24 | block.age << 10 | len(block.data)).to_bytes(4) for block in earlier
    )
    return heads + bytes((newest.payload_type,)) + b"".join(block.data for block in blocks)


def read_red(payload: bytes) -> list[Block]:
    """Take a payload apart; raises ValueError if it is cut off."""
    heads, at = [], 0
    while at < len(payload) and payload[at] & 0x80:
        if at + 4 > len(payload):
            raise ValueError("cut off in a header")
        head = int.from_bytes(payload[at : at + 4])
        heads.append((head >> 24 & 0x7F, head >> 10 & 0x3FFF, head & 0x3FF))
        at += 4
    if at >= len(payload):
        raise ValueError("without the newest block")
    newest_type, at = payload[at], at + 1
    blocks = []
    for payload_type, age, size in heads:
        if at + size > len(payload):
            raise ValueError("cut off in a block")
        blocks.append(Block(payload_type, payload[at : at + size], age))
        at += size
    return [*blocks, Block(newest_type, payload[at:])]
