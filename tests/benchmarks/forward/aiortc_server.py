"""aiortc's MediaRelay under test: it decodes and encodes anew for each receiver, so it is sent real media."""

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
from aiortc.codecs.opus import OpusEncoder
from aiortc.codecs.vpx import Vp8Encoder
from av import AudioFrame, VideoFrame
from benchmarks.forward import session_description as sdp
from benchmarks.forward.child import Child
from benchmarks.forward.client_legs import ClientLegs
from benchmarks.forward.generator import Generator
from benchmarks.forward.loads import AUDIO_FPS, VIDEO_FPS, Load

WIDTH, HEIGHT = 1280, 720
VIDEO_BPS = 1_500_000
"The most that aiortc's encoder takes."
LOOP_S = 2
SAMPLE_RATE = 48000


class AiortcServer:
    """Runs `aiortc_process.py`; for fan-out only."""

    name = "aiortc"
    profile = "AEAD_AES_128_GCM"
    encodes_anew = True

    def __init__(self, address: str, tree: Path) -> None:
        self._address = address
        self._tree = tree
        self._legs: ClientLegs | None = None
        self.child: Child

    async def start(self) -> None:
        """Start the process."""
        self.child = await Child.script("aiortc_process.py", self._tree, self._address)
        await self.child.hear()

    async def connect(self, generator: Generator, load: Load) -> None:
        """Let the lead publish and every other party receive it."""
        generator.set_media(video=True, frames=_picture())
        generator.set_media(video=False, frames=_sound())
        legs = self._legs = ClientLegs(generator)
        lead = load.parties[0]
        leg = legs.open(lead.publishing_leg)
        offer = sdp.write(leg.local, 1, sdp.publishing(lead.video_ssrc, lead.audio_ssrc))
        self.child.tell({"type": "publish", "sdp": offer})
        answer = sdp.read((await self.child.hear())["sdp"])
        leg.meet(answer.transport, controlling=True)
        await legs.connect(leg)
        for party in load.others(lead):
            leg = legs.open(party.receiving_leg)
            self.child.tell({"type": "subscribe"})
            offered = await self.child.hear()
            described = sdp.read(offered["sdp"])
            answered = sdp.write(leg.local, leg.number + 1, sdp.answering(described.lines))
            leg.meet(described.transport, controlling=False)
            self.child.tell({"type": "answer", "number": offered["number"], "sdp": answered})
            await legs.connect(leg)

    async def stop(self) -> None:
        """End the process."""
        if self._legs is not None:
            await self._legs.close()
        await self.child.stop()


def _picture() -> list[list[bytes]]:
    """Two seconds of a moving pattern in VP8, packetized."""
    encoder = Vp8Encoder()
    encoder.target_bitrate = VIDEO_BPS
    chance = np.random.default_rng(1)
    texture = chance.integers(0, 255, (HEIGHT, 2 * WIDTH), np.uint8)
    frames = []
    for number in range(LOOP_S * VIDEO_FPS):
        shown = texture // 4 + np.roll(np.linspace(0, 190, 2 * WIDTH, dtype=np.uint8), 8 * number)
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(shown[:, :WIDTH]), format="gray")
        frame = frame.reformat(format="yuv420p")
        frame.pts, frame.time_base = number * 90000 // VIDEO_FPS, Fraction(1, 90000)
        frames.append(encoder.encode(frame, force_keyframe=number == 0)[0])
    return frames


def _sound() -> list[list[bytes]]:
    """Two seconds of a tone in Opus."""
    encoder = OpusEncoder()
    samples = SAMPLE_RATE // AUDIO_FPS
    frames = []
    for number in range(LOOP_S * AUDIO_FPS):
        phase = 2 * math.pi * 440 * (number * samples + np.arange(samples)) / SAMPLE_RATE
        tone = np.repeat((12000 * np.sin(phase)).astype(np.int16), 2).reshape(1, -1)
        frame = AudioFrame.from_ndarray(tone, format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, number * samples, Fraction(1, SAMPLE_RATE)
        frames.append(encoder.encode(frame)[0])
    return [frame for frame in frames if frame]
