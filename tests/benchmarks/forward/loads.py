"""The load shapes: who is in which lesson, what each publishes, and which clients' legs carry it."""

import random
from dataclasses import dataclass, field

VIDEO_PACKET_BYTES = 1100
AUDIO_PACKET_BYTES = 100
VIDEO_FPS = 30
AUDIO_FPS = 50
LEAD_VIDEO_PER_S = 250
ROOM_VIDEO_PER_S = 60
AUDIO_PER_S = 50
VP8_PAYLOAD_TYPE = 96
OPUS_PAYLOAD_TYPE = 111
SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class Party:
    """One client; its publishing leg has number 2 * index, its receiving leg 2 * index + 1."""

    index: int
    lesson: int
    lead: bool
    publishes: bool

    @property
    def publishing_leg(self) -> int:
        """The client address it publishes from."""
        return 2 * self.index

    @property
    def receiving_leg(self) -> int:
        """The client address it receives at."""
        return 2 * self.index + 1

    @property
    def video_ssrc(self) -> int:
        """SSRC of its picture."""
        return 0x10000000 + 2 * self.index

    @property
    def audio_ssrc(self) -> int:
        """SSRC of its sound."""
        return 0x10000001 + 2 * self.index


@dataclass(frozen=True)
class Stream:
    """One published track as the generator sends it."""

    party: Party
    video: bool
    packets_per_s: int
    fanout: int
    phase_ns: int

    @property
    def fps(self) -> int:
        """How often a second a burst leaves."""
        return VIDEO_FPS if self.video else AUDIO_FPS

    @property
    def packet_bytes(self) -> int:
        """RTP header and payload, before SRTP."""
        return VIDEO_PACKET_BYTES if self.video else AUDIO_PACKET_BYTES

    @property
    def payload_type(self) -> int:
        """As offered by every publisher."""
        return VP8_PAYLOAD_TYPE if self.video else OPUS_PAYLOAD_TYPE

    @property
    def ssrc(self) -> int:
        """Of the party's picture or sound."""
        return self.party.video_ssrc if self.video else self.party.audio_ssrc


@dataclass(frozen=True)
class Load:
    """A set of lessons; streams are in the order of lessons, so that the first m lessons are the first streams."""

    name: str
    parties: tuple[Party, ...]
    streams: tuple[Stream, ...]
    lessons: int
    streams_per_lesson: int
    by_lesson: tuple[tuple[Party, ...], ...] = field(repr=False)

    def others(self, party: Party) -> tuple[Party, ...]:
        """Everyone else in the party's lesson."""
        return tuple(one for one in self.by_lesson[party.lesson] if one is not party)

    @property
    def packets_out_per_s(self) -> int:
        """What all receivers together should get."""
        return sum(stream.packets_per_s * stream.fanout for stream in self.streams)


def fan_out(receivers: int) -> Load:
    """One lead that all receive; nobody else publishes."""
    parties = (Party(0, 0, True, True), *(Party(i, 0, False, False) for i in range(1, receivers + 1)))
    return _load(f"fan-out {receivers}", parties, 1)


def lessons(count: int) -> Load:
    """Lessons of a lead and three rooms where everyone receives everyone."""
    parties = tuple(Party(4 * n + i, n, i == 0, True) for n in range(count) for i in range(4))
    return _load(f"lessons {count}", parties, count)


def _load(name: str, parties: tuple[Party, ...], count: int) -> Load:
    by_lesson: list[list[Party]] = [[] for _ in range(count)]
    for party in parties:
        by_lesson[party.lesson].append(party)
    chance = random.Random(name)
    streams = []
    for party in parties:
        if party.publishes:
            fanout = len(by_lesson[party.lesson]) - 1
            video = LEAD_VIDEO_PER_S if party.lead else ROOM_VIDEO_PER_S
            # Every device has its own clock: bursts of different publishers meet by chance.
            streams.append(Stream(party, True, video, fanout, chance.randrange(SECOND_NS // VIDEO_FPS)))
            streams.append(Stream(party, False, AUDIO_PER_S, fanout, chance.randrange(SECOND_NS // AUDIO_FPS)))
    return Load(
        name, parties, tuple(streams), count, len(streams) // count, tuple(tuple(members) for members in by_lesson)
    )
