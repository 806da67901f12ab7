"""What the layers of a published track take: measured, remembered by their peaks, or a usual figure before.

Of a screen it is the average that counts: a slide is a burst, and waits in front of a narrow line until it is through.
"""

from dataclasses import dataclass

from media.contract import TrackSource
from media.forwarder.api import StreamStatistics
from media.line.allocation import Choice

SOUND_BPS = 56_000
"Opus at 40 kbit/s, fifty packets a second with their headers."
USUAL_BPS: dict[tuple[TrackSource, int], tuple[float, ...]] = {
    ("camera", 1): (350_000,),
    ("camera", 2): (400_000, 1_500_000),
    ("camera", 3): (180_000, 500_000, 1_700_000),
    ("camera", 4): (100_000, 250_000, 600_000, 1_800_000),
    ("screen", 1): (300_000,),
}
"By source and number of layers; what is not listed is taken for a camera's."
PACKET_OVERHEAD_BYTES = 40
"RTP header with extensions, and the tag of SRTP."
SENT_WITHIN_S = 2.0
SMOOTHING_S = 1.5
AVERAGE_S = 8.0
PEAK_FADES_PER_S = 0.03
LEAST_SHARE = 0.4
"A quiet picture (a still slide) is taken for this share of the usual at least: it may move at any moment."
PRESENT_MARGIN = 1.2
SLOW_SHARE = 0.6
"What the lowest temporal layer takes of its layer."
OBEYS_WITHIN_S = 1.0
"A publisher that was asked to send less does so by then,"
DISOBEYS_AFTER_S = 3.0
"or, if it still does not, never will."
ASKED_MARGIN = 1.15
DISOBEYS = 1.5
"Times what was asked for: who sends that much does not obey."


@dataclass
class _Layer:
    bytes: int = 0
    packets: int = 0
    smooth_bps: float = 0.0
    average_bps: float = 0.0
    peak_bps: float = 0.0
    moved_at: float | None = None


class TrackRates:
    """The layers of one track."""

    def __init__(self, source: TrackSource, layers: int) -> None:
        self._layers = [_Layer() for _ in range(max(1, layers))]
        usual = USUAL_BPS.get((source, len(self._layers))) or USUAL_BPS["camera", len(self._layers)]
        self._in_bursts = source == "screen"
        self._usual = (SOUND_BPS,) if source in ("microphone", "screen_audio") else usual
        self._noted_at: float | None = None
        self._asked: tuple[float, float] | None = None
        "What the lowest layer was asked to take at most, and since when."

    def ask_lowest(self, bps: float | None, now: float) -> None:
        """The publisher is asked to take no more than this for its lowest layer; None: no longer."""
        since = self._asked[1] if self._asked is not None and bps is not None else now
        self._asked = None if bps is None else (bps, now if self._asked and bps < self._asked[0] else since)

    def obeys(self, now: float) -> bool:
        """Whether the publisher sends its lowest layer as it was asked to, as far as can be told."""
        if self._asked is None or now - self._asked[1] < DISOBEYS_AFTER_S:
            return True
        return self._layers[0].smooth_bps <= DISOBEYS * self._asked[0]

    def note(self, state: StreamStatistics, now: float) -> None:
        """Take counters; to be called about twice a second."""
        counted = [(layer.packets, layer.bytes) for layer in state.layers] or [(state.packets, state.bytes)]
        elapsed = now - self._noted_at if self._noted_at is not None else 0.0
        self._noted_at = now
        for layer, (packets, size) in zip(self._layers, counted, strict=False):
            moved = size - layer.bytes + PACKET_OVERHEAD_BYTES * (packets - layer.packets)
            if packets > layer.packets:
                layer.moved_at = now
            layer.bytes, layer.packets = size, packets
            if elapsed > 0:
                layer.smooth_bps += min(1.0, elapsed / SMOOTHING_S) * (8 * moved / elapsed - layer.smooth_bps)
                layer.average_bps += min(1.0, elapsed / AVERAGE_S) * (8 * moved / elapsed - layer.average_bps)
                layer.peak_bps = max(layer.smooth_bps, layer.peak_bps * (1 - PEAK_FADES_PER_S * min(elapsed, 1.0)))

    def bits_per_second(self, layer: int, now: float) -> float:
        """What the layer takes, or would take if it were sent."""
        one, usual = self._layers[layer], self._usual[layer]
        # A slide that stands still is sent, too.
        sent = one.moved_at is not None and (self._in_bursts or now - one.moved_at < SENT_WITHIN_S)
        measured = PRESENT_MARGIN * one.average_bps if self._in_bursts else one.peak_bps
        takes = max(measured, LEAST_SHARE * usual) if sent and one.peak_bps > 0 else usual
        if layer == 0 and self._asked is not None and now - self._asked[1] >= OBEYS_WITHIN_S and self.obeys(now):
            takes = min(takes, ASKED_MARGIN * self._asked[0])
        return takes

    def present_bps(self, layer: int, now: float) -> float:
        """What the layer takes at this moment, which may be much less than its peaks (a still slide)."""
        return min(PRESENT_MARGIN * self._layers[layer].smooth_bps, self.bits_per_second(layer, now))

    def usual_bps(self, layer: int) -> float:
        """What the layer takes in full."""
        return max(self._layers[layer].peak_bps, self._usual[layer])

    def is_sent(self, layer: int, now: float) -> bool:
        """Whether packets of the layer came lately."""
        moved_at = self._layers[layer].moved_at
        return moved_at is not None and now - moved_at < SENT_WITHIN_S

    def choices(self, now: float, *, slow: bool, layers: int, least_bps: float | None = None) -> tuple[Choice, ...]:
        """The ways to send the track's lowest `layers` layers, cheapest first.

        `slow`: at a lower frame rate, too; `least_bps`: the lowest layer can be lowered to this.
        """
        rates = [self.bits_per_second(layer, now) for layer in range(min(layers, len(self._layers)))]
        if rates and least_bps is not None and self.obeys(now):
            rates[0] = min(rates[0], least_bps)
        full = [Choice(layer, None, max(rates[: layer + 1])) for layer in range(len(rates))]
        return tuple(([Choice(0, 0, SLOW_SHARE * rates[0])] if slow and rates else []) + full)
