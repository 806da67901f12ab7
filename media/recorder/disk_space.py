"""How much may still be recorded, by the space left: pictures of rooms are given up first, the lead's voice last.

The rule is pure (time and free space are arguments); who looks at the disk is `media.recorder.journal_disk`.
"""

from dataclasses import dataclass
from enum import IntEnum

MIB = 1 << 20
# A level is left only when this much more than its limit is free, so that recording does not flutter.
REGAIN_SHARE = 1.1
REFUSED_STEP_S = 1.0
REFUSED_HOLD_S = 30.0


class SpaceLevel(IntEnum):
    """What is given up. Each level includes those before it."""

    WELL = 0
    WARNED = 1
    ROOM_PICTURES = 2
    LEAD_PICTURES = 3
    ROOM_SOUND = 4
    ALL = 5


@dataclass(frozen=True, slots=True)
class SpaceLimits:
    """Free bytes below which each level begins; they must not grow from first to last."""

    warn_bytes: int = 8192 * MIB
    room_pictures_bytes: int = 4096 * MIB
    lead_pictures_bytes: int = 2048 * MIB
    room_sound_bytes: int = 1024 * MIB
    all_bytes: int = 256 * MIB

    def __post_init__(self) -> None:
        """Raises ValueError if a later level would begin earlier than the one before it."""
        limits = self.in_order()
        if list(limits) != sorted(limits, reverse=True) or limits[-1] < 0:
            raise ValueError("space limits must fall from the warning to the end of all recording")

    def in_order(self) -> tuple[int, ...]:
        """The limits of WARNED and the levels after it."""
        return (
            self.warn_bytes,
            self.room_pictures_bytes,
            self.lead_pictures_bytes,
            self.room_sound_bytes,
            self.all_bytes,
        )

    def level(self, free_bytes: float) -> SpaceLevel:
        """The level at this much free space."""
        return SpaceLevel(sum(free_bytes < limit for limit in self.in_order()))


def given_up_at(role: str, source: str) -> SpaceLevel:
    """The level at which a party's track (`camera`, `screen`, `microphone`, `screen_audio`) is not written any more."""
    picture = source in {"camera", "screen"}
    if role == "lead":
        if source == "microphone":
            return SpaceLevel.ALL
        return SpaceLevel.LEAD_PICTURES if picture else SpaceLevel.ROOM_SOUND
    return SpaceLevel.ROOM_PICTURES if picture else SpaceLevel.ROOM_SOUND


class SpaceRule:
    """The level over time: from the free space seen, and from writes the disk refused for want of space.

    Refused writes count where the free space cannot be seen, as with a quota: each second in which one is refused
    gives up one level more, but never the lead's sound, which is tried on.
    """

    def __init__(self, limits: SpaceLimits) -> None:
        self._limits = limits
        self._seen = SpaceLevel.WELL
        self._refused = SpaceLevel.WELL
        self._stepped_at = float("-inf")
        self._refused_at = float("-inf")

    @property
    def level(self) -> SpaceLevel:
        """What is given up now."""
        return max(self._seen, self._refused)

    def saw(self, free_bytes: int, now: float) -> None:
        """Take notice of the free space; `now` in monotonic seconds."""
        sinking = self._limits.level(free_bytes)
        rising = self._limits.level(free_bytes / REGAIN_SHARE)
        self._seen = max(sinking, min(rising, self._seen))
        if now - self._refused_at > REFUSED_HOLD_S:
            self._refused = SpaceLevel.WELL

    def was_refused(self, now: float) -> None:
        """A write failed because the disk is full."""
        self._refused_at = now
        if now - self._stepped_at >= REFUSED_STEP_S:
            self._stepped_at = now
            self._refused = SpaceLevel(min(SpaceLevel.ROOM_SOUND, max(self.level, SpaceLevel.WARNED) + 1))
