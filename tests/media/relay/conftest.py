"""A relay on loopback, a bus for it, and classrooms made of aiortc's peer connections that speak the protocol."""

import asyncio
import contextlib
import fractions
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

from media.contract import ClientMessage, JoinLesson, LeaveLesson, Party, commands_topic
from media.relay.configuration import RelayConfiguration
from media.relay.relay import Relay

RELAY_ID = "r1"


class LoopBus:
    """A bus on one event loop: a queue for each subscriber, and everything published kept for the test."""

    def __init__(self) -> None:
        self._queues: dict[str, list[asyncio.Queue[dict[str, Any]]]] = {}
        self.events: list[dict[str, Any]] = []
        self.changed = asyncio.Event()
        self.listeners: list[Callable[[dict[str, Any]], None]] = []

    async def publish(self, topic: str, message: dict[str, Any]) -> None:
        for queue in self._queues.get(topic, []):
            queue.put_nowait(message)
        if topic == "relay.events":
            self.events.append(message)
            self.changed.set()
            for listener in list(self.listeners):
                listener(message)

    @contextlib.asynccontextmanager
    async def subscribe(self, topic: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._queues.setdefault(topic, []).append(queue)

        async def messages() -> AsyncIterator[dict[str, Any]]:
            while True:
                yield await queue.get()

        try:
            yield messages()
        finally:
            self._queues[topic].remove(queue)

    async def command(self, command: Any) -> None:
        await self.publish(commands_topic(RELAY_ID), command.model_dump(mode="json"))

    async def event(self, event_type: str, timeout_s: float = 10.0, **fields: Any) -> dict[str, Any]:
        """The first event of this type with these fields, past or coming."""

        async def find() -> dict[str, Any]:
            while True:
                for event in self.events:
                    if event["type"] == event_type and all(event[name] == value for name, value in fields.items()):
                        return event
                self.changed.clear()
                await self.changed.wait()

        return await asyncio.wait_for(find(), timeout_s)

    def of_type(self, event_type: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == event_type]


class ColourTrack(VideoStreamTrack):
    """A plain picture of one grey, so that a receiver can tell whose it is."""

    def __init__(self, grey: int) -> None:
        super().__init__()
        self._grey = grey

    async def recv(self) -> av.VideoFrame:
        pts, time_base = await self.next_timestamp()
        frame = av.VideoFrame.from_ndarray(np.full((120, 160), self._grey, np.uint8), format="gray")
        frame = frame.reformat(format="yuv420p")
        frame.pts, frame.time_base = pts, time_base
        return frame


class ToneTrack(AudioStreamTrack):
    """A steady tone, loud enough to be heard in the decoded sound."""

    async def recv(self) -> av.AudioFrame:
        frame = await super().recv()
        samples = 12000 * np.sin(2 * np.pi * 440 * (frame.pts + np.arange(frame.samples)) / frame.sample_rate)
        tone = av.AudioFrame.from_ndarray(samples.astype(np.int16).reshape(1, -1), format="s16", layout="mono")
        tone.pts, tone.sample_rate = frame.pts, frame.sample_rate
        tone.time_base = fractions.Fraction(1, frame.sample_rate)
        return tone


class Classroom:
    """A client: signalling through the bus, one peer connection to publish on and one to receive on."""

    _connection_numbers = itertools.count(1)

    def __init__(self, bus: LoopBus, lesson_id: str, party: Party) -> None:
        self.bus = bus
        self.lesson_id = lesson_id
        self.party = party
        self.connection_id = f"c{next(self._connection_numbers)}"
        self.messages: list[dict[str, Any]] = []
        self.closed: dict[str, Any] | None = None
        self.tracks: dict[str, MediaStreamTrack] = {}
        self.announced: dict[str, dict[str, Any]] = {}
        self.publishing: RTCPeerConnection | None = None
        self.receiving: RTCPeerConnection | None = None
        self.answer_filter: Callable[[str], str] = lambda sdp: sdp
        self._changed = asyncio.Event()
        self._answering: asyncio.Task[None] | None = None
        self._offers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        bus.listeners.append(self._heard)

    def _heard(self, event: dict[str, Any]) -> None:
        if event.get("connection_id") != self.connection_id:
            return
        if event["type"] == "to_client":
            self.messages.append(event["message"])
            if event["message"]["type"] == "subscribe":
                self._offers.put_nowait(event["message"])
        elif event["type"] == "close_connection":
            self.closed = event
        self._changed.set()

    async def join(self) -> dict[str, Any]:
        self._answering = asyncio.create_task(self._answer_offers())
        await self.bus.command(JoinLesson(lesson_id=self.lesson_id, connection_id=self.connection_id, party=self.party))
        return await self.message("welcome")

    async def send(self, message_type: str, **fields: Any) -> None:
        message = {"v": 1, "type": message_type, **fields}
        await self.bus.command(
            ClientMessage(lesson_id=self.lesson_id, connection_id=self.connection_id, message=message)
        )

    async def message(
        self, message_type: str, where: Callable[[dict[str, Any]], bool] = lambda _: True, timeout_s: float = 10.0
    ) -> dict[str, Any]:
        """The newest message of this type that fits, past or coming."""

        def found() -> dict[str, Any] | None:
            fitting = (m for m in reversed(self.messages) if m["type"] == message_type and where(m))
            return next(fitting, None)

        await self.until(lambda: found() is not None, timeout_s)
        message = found()
        assert message is not None
        return message

    async def until(self, condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
        async def wait() -> None:
            while not condition():
                self._changed.clear()
                await self._changed.wait()

        await asyncio.wait_for(wait(), timeout_s)

    async def publish(self, *tracks: tuple[str, MediaStreamTrack], request_id: int = 1) -> dict[str, Any]:
        """Offer these (source, track) pairs and apply the relay's answer."""
        self.publishing = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        sources = {}
        for source, track in tracks:
            transceiver = self.publishing.addTransceiver(track, direction="sendonly")
            sources[transceiver] = source
        await self.publishing.setLocalDescription(await self.publishing.createOffer())
        named = [{"mid": transceiver.mid, "source": source} for transceiver, source in sources.items()]
        await self.send("publish", id=request_id, sdp=self.publishing.localDescription.sdp, tracks=named)
        answer = await self.message("published", lambda m: m["id"] == request_id)
        await self.publishing.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        return answer

    async def frame(self, source: str, party_id: str, timeout_s: float = 10.0) -> Any:
        """A decoded frame of what that party publishes."""
        await self.until(lambda: self._mid_of(source, party_id) in self.tracks, timeout_s)
        return await asyncio.wait_for(self.tracks[self._mid_of(source, party_id)].recv(), timeout_s)

    def _mid_of(self, source: str, party_id: str) -> str:
        for mid, track in self.announced.items():
            if track["source"] == source and track["party_id"] == party_id:
                return mid
        return "none"

    async def _answer_offers(self) -> None:
        while True:
            offer = await self._offers.get()
            if self.receiving is None:
                self.receiving = RTCPeerConnection(RTCConfiguration(iceServers=[]))
            await self.receiving.setRemoteDescription(RTCSessionDescription(offer["sdp"], "offer"))
            await self.receiving.setLocalDescription(await self.receiving.createAnswer())
            for transceiver in self.receiving.getTransceivers():
                self.tracks[transceiver.mid] = transceiver.receiver.track
            self.announced = {track["mid"]: track for track in offer["tracks"]}
            sdp = self.answer_filter(self.receiving.localDescription.sdp)
            await self.send("subscribed", id=offer["id"], sdp=sdp, reuse=False)
            self._changed.set()

    async def leave(self, reason: str = "socket_closed") -> None:
        await self.bus.command(LeaveLesson(lesson_id=self.lesson_id, connection_id=self.connection_id, reason=reason))

    async def close(self) -> None:
        if self._answering is not None:
            self._answering.cancel()
            await asyncio.gather(self._answering, return_exceptions=True)
        for connection in (self.publishing, self.receiving):
            if connection is not None:
                await connection.close()
        if self._heard in self.bus.listeners:
            self.bus.listeners.remove(self._heard)


def configuration(folder: Path, **changes: Any) -> RelayConfiguration:
    return RelayConfiguration(
        relay_id=RELAY_ID,
        journals_folder=folder,
        bind_addresses=("127.0.0.1",),
        announced_addresses=("127.0.0.1",),
        **{"report_interval_s": 1.0, **changes},
    )


class School:
    """Everything a test of the relay needs, closed in order at its end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bus = LoopBus()
        self.relay: Relay
        self._stack = contextlib.AsyncExitStack()

    async def open(self, **changes: Any) -> None:
        self.relay = Relay(configuration(self.folder, **changes), self.bus)
        await self.relay.start()
        self._stack.push_async_callback(self.relay.stop)

    async def enter(self, party: Party, lesson_id: str = "lesson1") -> Classroom:
        room = Classroom(self.bus, lesson_id, party)
        self._stack.push_async_callback(room.close)
        await room.join()
        return room

    async def close(self) -> None:
        await self._stack.aclose()


@pytest.fixture
def run_school(tmp_path: Path) -> Callable[[Callable[[School], Any]], None]:
    """Run a test's coroutine function with a school whose relay is up, and see that nothing is left behind."""

    def run(scenario: Callable[[School], Any], **changes: Any) -> None:
        async def whole() -> None:
            school = School(tmp_path)
            await school.open(**changes)
            try:
                await scenario(school)
            finally:
                await school.close()
            left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            assert left == []

        asyncio.run(whole(), debug=False)

    return run


@pytest.fixture
def party() -> Callable[..., Party]:
    """Make a party of a role by name."""

    def make(role: str, name: str) -> Party:
        return Party(party_id=f"room:{name}", role=role, name=name, room_id=name, school="School")  # type: ignore[arg-type]

    return make


@pytest.fixture
def lead_media() -> Callable[[], tuple[tuple[str, MediaStreamTrack], ...]]:
    """Make a camera of mid grey and a microphone with a tone."""
    return lambda: (("camera", ColourTrack(180)), ("microphone", ToneTrack()))


@pytest.fixture
def grey_camera() -> Callable[[int], MediaStreamTrack]:
    """Make a camera whose picture is one grey."""
    return ColourTrack


@pytest.fixture
def new_school() -> Callable[..., Any]:
    """Open a school by hand, for tests that need more than one."""

    async def make(folder: Path, **changes: Any) -> School:
        school = School(folder)
        await school.open(**changes)
        return school

    return make


@pytest.fixture
def relay_configuration() -> Callable[..., RelayConfiguration]:
    """Make a relay's configuration for loopback."""
    return configuration


@pytest.fixture
def loop_bus() -> LoopBus:
    """Make a bus."""
    return LoopBus()
