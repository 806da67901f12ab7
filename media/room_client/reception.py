"""What arrives from the other rooms: counted always, decoded only if asked for, because decoding costs far more than
all the rest.
"""

import queue
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from aiortc import MediaStreamTrack, RTCRtpReceiver
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, VideoFrame

Decoding = Literal["none", "audio", "all"]
OnFrame = Callable[["Reception", VideoFrame | AudioFrame], None]


@dataclass(slots=True)
class Reception:
    """One remote track. Counters only grow."""

    track_id: str
    party_id: str
    source: str
    kind: str
    frames: int = 0
    "Encoded pictures or packets of sound that arrived whole."
    received_bytes: int = 0
    decoded_frames: int = 0
    sound_energy: float = 0.0
    "Sum over all decoded samples of their squared amplitude, full scale being 1."
    decoded_samples: int = 0
    last_frame: VideoFrame | None = field(default=None, repr=False)

    def add_decoded(self, frame: VideoFrame | AudioFrame) -> None:
        """Count a decoded frame."""
        self.decoded_frames += 1
        if isinstance(frame, VideoFrame):
            self.last_frame = frame
            return
        samples = frame.to_ndarray().astype(np.float64) / 32768
        self.sound_energy += float((samples**2).sum())
        self.decoded_samples += samples.size


class FrameGate(queue.Queue[Any]):
    """Stands between an aiortc receiver and its decoder thread: counts frames and lets them through only on demand."""

    def __init__(self, reception: Reception, decode: bool) -> None:
        super().__init__()
        self._reception = reception
        self._decode = decode

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Take (codec, frame) from the receiver, or None, which ends the decoder."""
        if item is not None:
            self._reception.frames += 1
            self._reception.received_bytes += len(item[1].data)
            if not self._decode:
                return
        super().put(item, block, timeout)


def attach(receiver: RTCRtpReceiver, reception: Reception, decoding: Decoding) -> None:
    """Count what `receiver` gets; to be called before it starts to receive."""
    decode = decoding == "all" or (decoding == "audio" and reception.kind == "audio")
    # aiortc has no public way to receive without decoding; its queue is where the two meet.
    name = "_RTCRtpReceiver__decoder_queue"
    if not hasattr(receiver, name):
        raise RuntimeError("this version of aiortc keeps its decoder queue elsewhere")
    setattr(receiver, name, FrameGate(reception, decode))


async def consume(track: MediaStreamTrack, reception: Reception, on_frame: OnFrame | None) -> None:
    """Take decoded frames from `track` until it ends."""
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        if isinstance(frame, VideoFrame | AudioFrame):
            reception.add_decoded(frame)
            if on_frame is not None:
                on_frame(reception, frame)
