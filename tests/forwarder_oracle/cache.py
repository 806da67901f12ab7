"""The last packets of a source in a fixed ring: what was seen already, and what can be sent again."""

from dataclasses import dataclass

from media.forwarder.api import CodecName


@dataclass(slots=True)
class MediaPacket:
    """A packet of a source, ready to be written for any receiver."""

    ext_seq: int
    marker: bool
    timestamp: int
    codec: CodecName
    payload: bytes
    "Empty for a padding-only packet."
    audio_level: bytes | None = None
    "Content of the header extension, passed on as it is."
    video_orientation: bytes | None = None
    "Content of the header extension, passed on as it is."


class PacketCache:
    """Holds at most `slots` packets; a packet is overwritten by the one `slots` numbers later."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._ring: list[MediaPacket | None] = [None] * slots

    def put(self, packet: MediaPacket) -> None:
        """Keep a packet."""
        self._ring[packet.ext_seq % self.slots] = packet

    def get(self, ext_seq: int) -> MediaPacket | None:
        """Return the packet of that extended number, None if it never came or is overwritten."""
        packet = self._ring[ext_seq % self.slots]
        return packet if packet is not None and packet.ext_seq == ext_seq else None
