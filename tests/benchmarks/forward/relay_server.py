"""Our relay under test: its real process, joined by parties that speak the signalling protocol over its bus."""

import asyncio
import itertools
from pathlib import Path
from typing import Any

from benchmarks.forward import session_description as sdp
from benchmarks.forward.child import Child
from benchmarks.forward.client_legs import ClientLegs
from benchmarks.forward.generator import Generator
from benchmarks.forward.loads import Load, Party

JOIN_TIMEOUT_S = 300.0
JOINING_AT_ONCE = 8
"Lessons; whoever waits longer for its handshake than the relay's deadline is sent away, on a busy machine."


class RelayServer:
    """Runs `relay_process.py`."""

    name = "relay"
    profile = "AEAD_AES_128_GCM"
    encodes_anew = False

    def __init__(self, address: str, tree: Path) -> None:
        self._address = address
        self._tree = tree
        self._clients: dict[str, _Client] = {}
        self._reader: asyncio.Task[None] | None = None
        self._legs: ClientLegs | None = None
        self.child: Child

    async def start(self) -> None:
        """Start the process."""
        self.child = await Child.script("relay_process.py", self._tree, self._address)
        while (await self.child.hear())["type"] != "started":
            pass
        self._reader = asyncio.create_task(self._read())

    async def connect(self, generator: Generator, load: Load) -> None:
        """Join all parties, let them publish, and wait until each is offered and has answered all it should get."""
        legs = self._legs = ClientLegs(generator)
        kind = "synchronous" if all(party.publishes for party in load.parties) else "famous_teacher"
        for number in range(load.lessons):
            self._open(f"lesson{number}", kind)
        gate = asyncio.Semaphore(JOINING_AT_ONCE)

        async def bring(members: tuple[Party, ...]) -> None:
            async with gate:
                clients = [self._client(party, load, legs) for party in members]
                for client in clients:
                    await client.enter()
                await asyncio.gather(*(client.all_received.wait() for client in clients))

        await asyncio.wait_for(
            asyncio.gather(*(bring(members) for members in load.by_lesson), self._reader_failed()), JOIN_TIMEOUT_S
        )

    def heard(self, event: dict[str, Any]) -> None:
        """Every event of the relay, for whoever looks for more."""

    async def stop(self) -> None:
        """End the process."""
        for client in self._clients.values():
            client.cancel()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        if self._legs is not None:
            await self._legs.close()
        await self.child.stop()

    async def _reader_failed(self) -> None:
        """Raise what the reader or a client raised, until everyone is in."""
        while not all(client.all_received.is_set() for client in self._clients.values()):
            await asyncio.sleep(0.1)
            for task in (self._reader, *(client.answering for client in self._clients.values())):
                if task is not None and task.done() and not task.cancelled():
                    task.result()

    def _open(self, lesson_id: str, kind: str) -> None:
        self.child.tell(
            {
                "type": "open_lesson",
                "lesson_id": lesson_id,
                "kind": kind,
                "title": "",
                "recorded": False,
                "starts_at": 0,
                "ends_at": 1,
            }
        )

    def _client(self, party: Party, load: Load, legs: ClientLegs) -> "_Client":
        tracks = 2 * sum(other.publishes for other in load.others(party))
        client = _Client(party, tracks, legs, self.child)
        self._clients[client.connection_id] = client
        return client

    async def _read(self) -> None:
        while True:
            event = await self.child.hear(timeout_s=3600)
            self.heard(event)
            if event["type"] == "to_client":
                self._clients[event["connection_id"]].hear(event["message"])
            elif event["type"] == "close_connection":
                raise RuntimeError(f"the relay closed a connection: {event['code']}: {event['message']}")


class _Client:
    """One party: publishes on one leg, answers offers and receives on the other."""

    _numbers = itertools.count(1)

    def __init__(self, party: Party, tracks: int, legs: ClientLegs, relay: Child) -> None:
        self.connection_id = f"c{next(self._numbers)}"
        self.all_received = asyncio.Event()
        self.answering: asyncio.Task[None] | None = None
        self._party = party
        self._tracks = tracks
        self._legs = legs
        self._relay = relay
        self._welcome: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._published: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._offers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        if not tracks:
            self.all_received.set()

    async def enter(self) -> None:
        """Join and, if it publishes, publish until the leg is up."""
        party = self._party
        role = "lead" if party.lead else "room"
        described = {"party_id": f"room:{party.index}", "role": role, "name": role, "room_id": str(party.index)}
        self._tell(type="join_lesson", party=described)
        self.answering = asyncio.create_task(self._answer_offers())
        await self._welcome.get()
        if not party.publishes:
            return
        leg = self._legs.open(party.publishing_leg)
        lines = sdp.publishing(party.video_ssrc, party.audio_ssrc)
        tracks = [{"mid": "0", "source": "camera"}, {"mid": "1", "source": "microphone"}]
        offer = sdp.write(leg.local, party.publishing_leg + 1, lines)
        self._say(type="publish", id=1, sdp=offer, tracks=tracks)
        answer = sdp.read((await self._published.get())["sdp"])
        leg.meet(answer.transport, controlling=True)
        await self._legs.connect(leg)

    def hear(self, message: dict[str, Any]) -> None:
        """Take a message of the relay."""
        if message["type"] == "error":
            raise RuntimeError(f"the relay refused: {message}")
        queues = {"welcome": self._welcome, "published": self._published, "subscribe": self._offers}
        if message["type"] in queues:
            queues[message["type"]].put_nowait(message)

    def cancel(self) -> None:
        """Stop answering."""
        if self.answering is not None:
            self.answering.cancel()

    async def _answer_offers(self) -> None:
        leg = self._legs.open(self._party.receiving_leg)
        connected = False
        while True:
            offer = await self._offers.get()
            described = sdp.read(offer["sdp"])
            answer = sdp.write(leg.local, leg.number + 1, sdp.answering(described.lines))
            self._say(type="subscribed", id=offer["id"], sdp=answer)
            if not connected:
                leg.meet(described.transport, controlling=True)
                await self._legs.connect(leg)
                connected = True
            if len(offer["tracks"]) == self._tracks:
                self.all_received.set()

    def _tell(self, **command: Any) -> None:
        lesson_id = f"lesson{self._party.lesson}"
        self._relay.tell({"lesson_id": lesson_id, "connection_id": self.connection_id, **command})

    def _say(self, **message: Any) -> None:
        self._tell(type="client_message", message={"v": 1, **message})
