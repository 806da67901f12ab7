"""What a recording needs to know of Opus packets: how long they sound, and what silence looks like."""

SAMPLE_RATE_HZ = 48_000
# One 20 ms CELT frame, mono, of digital silence.
SILENCE = b"\xf8\xff\xfe"
SILENCE_SAMPLES = 960


def duration_samples(packet: bytes) -> int:
    """Length in samples at 48 kHz by the TOC byte (RFC 6716 3.1, 3.2); 0 if the packet is malformed."""
    if not packet:
        return 0
    config = packet[0] >> 3
    if config < 12:  # SILK: 10, 20, 40, 60 ms
        frame = (480, 960, 1920, 2880)[config & 3]
    elif config < 16:  # hybrid: 10, 20 ms
        frame = (480, 960)[config & 1]
    else:  # CELT: 2.5, 5, 10, 20 ms
        frame = (120, 240, 480, 960)[config & 3]
    code = packet[0] & 3
    count = (1, 2, 2, packet[1] & 0x3F if len(packet) > 1 else 0)[code]
    samples = frame * count
    return samples if samples <= 5760 else 0  # RFC 6716: at most 120 ms
