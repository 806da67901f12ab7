"""A plain model of one sink of a VP8 simulcast: what it must send for the packets that come, in the order they come."""

from collections.abc import Iterator

from forwarder_oracle.sequence import SequenceMap
from forwarder_oracle.vp8 import Vp8Row, is_keyframe_start


class LayerModel:
    """Nothing stalls and nothing is restarted in it; timestamps are judged elsewhere."""

    def __init__(self, layers: int) -> None:
        """The sink waits for the lowest of its layers."""
        self.current: int | None = None
        self.wanted = 0
        self.row = Vp8Row()
        self._map = SequenceMap(0)
        self._came: list[dict[int, bytes]] = [{} for _ in range(layers)]
        self._first: dict[int, int] = {}

    def choose(self, layer: int, temporal: int | None) -> None:
        """Obey SetSinkLayer."""
        self.wanted = layer
        self.row.wanted_temporal = 4 if temporal is None else temporal

    def target(self) -> int:
        """Return the wanted layer, or the next lower one that came, or the next higher."""
        layers = range(len(self._came))
        return next(
            (layer for layer in (*reversed(layers[: self.wanted + 1]), *layers) if layer in self._first), self.wanted
        )

    def take(self, layer: int, ext_seq: int, payload: bytes) -> list[tuple[int, bytes]]:
        """Return the receiver's numbers (counted from 1) and payloads that this packet causes; b"" is padding."""
        came = self._came[layer]
        if ext_seq in came or ext_seq < self._first.setdefault(layer, ext_seq):
            return []
        late = ext_seq < max(came, default=-1)
        came[ext_seq] = payload
        if self.current != layer == self.target() and is_keyframe_start(payload):
            self.current = layer
            self._map.restart()
            self.row.restart()
            followers = sorted(seq for seq in came if seq > ext_seq) if late else []
            return [sent for seq in (ext_seq, *followers) for sent in self._send(seq, came[seq])]
        return list(self._send(ext_seq, payload)) if self.current == layer else []

    def _send(self, ext_seq: int, payload: bytes) -> Iterator[tuple[int, bytes]]:
        rewritten = self.row.take(payload)
        if rewritten is None and self._map.leave_out(ext_seq):
            return
        number = self._map.forward(ext_seq)
        if number is not None:
            yield number, rewritten or b""
