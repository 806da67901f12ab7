"""Janus VideoRoom of Debian's package under test: configured in a temporary folder, spoken to over its WebSocket."""

import asyncio
import contextlib
import itertools
import json
import secrets
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any

import websockets
from benchmarks.forward import session_description as sdp
from benchmarks.forward.child import Child
from benchmarks.forward.client_legs import ClientLegs
from benchmarks.forward.generator import Generator
from benchmarks.forward.loads import Load, Party

JOIN_TIMEOUT_S = 300.0
ANSWER_TIMEOUT_S = 60.0
START_TIMEOUT_S = 15.0
KEEP_ALIVE_S = 20.0
JOINING_AT_ONCE = 16
LIBRARIES = Path("/usr/lib/x86_64-linux-gnu/janus")


class JanusServer:
    """`event_loops` 0: as it comes, a thread for each peer connection."""

    profile = "AEAD_AES_128_GCM"
    encodes_anew = False

    def __init__(self, name: str, address: str, *, event_loops: int) -> None:
        self.name = name
        self._address = address
        self._event_loops = event_loops
        self._folder = Path(tempfile.mkdtemp(prefix="bench-janus-"))
        self._legs: ClientLegs | None = None
        self._session: _Session | None = None
        self._port = 0
        self.child: Child

    async def start(self) -> None:
        """Write the configuration, start, and wait until its WebSocket answers."""
        if shutil.which("janus") is None:
            raise SystemExit("bench-forward measures Janus: apt-get install janus, or leave it out of --servers")
        self._port = _free_port()
        self._configure()
        self.child = await Child.start(
            "janus", "-F", str(self._folder), "-L", str(self._folder / "janus.log"), "-N", speaks=False
        )
        async with asyncio.timeout(START_TIMEOUT_S):
            while self._session is None:
                with contextlib.suppress(OSError):
                    self._session = await _Session.open(f"ws://127.0.0.1:{self._port}")
                await asyncio.sleep(0.1)

    async def connect(self, generator: Generator, load: Load) -> None:
        """Make a room for each lesson, let its publishers in, then its receivers."""
        assert self._session is not None
        session, legs = self._session, ClientLegs(generator)
        self._legs = legs
        gate = asyncio.Semaphore(JOINING_AT_ONCE)
        rooms = await session.attach()

        async def bring(number: int, members: tuple[Party, ...]) -> None:
            async with gate:
                room = {"request": "create", "room": number + 1, "publishers": len(members), "videocodec": "vp8"}
                await rooms.ask({**room, "audiocodec": "opus", "notify_joining": False, "bitrate": 0})
                for party in members:
                    if party.publishes:
                        await _publish(session, legs, party)
            await asyncio.gather(*(receive(party) for party in members))

        async def receive(party: Party) -> None:
            async with gate:
                await _subscribe(session, legs, party, load)

        await asyncio.wait_for(
            asyncio.gather(*(bring(number, members) for number, members in enumerate(load.by_lesson))), JOIN_TIMEOUT_S
        )

    async def stop(self) -> None:
        """End the process and remove its folder."""
        if self._session is not None:
            await self._session.close()
        if self._legs is not None:
            await self._legs.close()
        self.child.kill()
        await self.child.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _configure(self) -> None:
        loops = f"event_loops = {self._event_loops}" if self._event_loops else ""
        (self._folder / "janus.jcfg").write_text(
            f"""general: {{
    configs_folder = "{self._folder}"
    plugins_folder = "{LIBRARIES}/plugins"
    transports_folder = "{LIBRARIES}/transports"
    events_folder = "{LIBRARIES}/events"
    loggers_folder = "{LIBRARIES}/loggers"
    debug_level = 3
    {loops}
}}
nat: {{
ice_enforce_list = "{self._address}" }}
plugins: {{ disable = "{_others("plugins", "videoroom")}" }}
transports: {{ disable = "{_others("transports", "websockets")}" }}
"""
        )
        (self._folder / "janus.transport.websockets.jcfg").write_text(
            f'general: {{ ws = true\n ws_port = {self._port}\n ws_ip = "127.0.0.1"\n wss = false }}\n'
        )
        (self._folder / "janus.plugin.videoroom.jcfg").write_text("general: { }\n")


async def _publish(session: "_Session", legs: ClientLegs, party: Party) -> None:
    handle = await session.attach()
    leg = legs.open(party.publishing_leg)
    offer = sdp.write(leg.local, leg.number + 1, sdp.publishing(party.video_ssrc, party.audio_ssrc))
    answer = await handle.ask(
        {"request": "joinandconfigure", "ptype": "publisher", "room": party.lesson + 1, "id": party.index + 1},
        {"type": "offer", "sdp": offer, "trickle": False},
    )
    leg.meet(sdp.read(answer["jsep"]["sdp"]).transport, controlling=True)
    await legs.connect(leg)


async def _subscribe(session: "_Session", legs: ClientLegs, party: Party, load: Load) -> None:
    feeds = [{"feed": other.index + 1} for other in load.others(party) if other.publishes]
    if not feeds:
        return
    handle = await session.attach()
    leg = legs.open(party.receiving_leg)
    offered = await handle.ask({"request": "join", "ptype": "subscriber", "room": party.lesson + 1, "streams": feeds})
    described = sdp.read(offered["jsep"]["sdp"])
    answer = sdp.write(leg.local, leg.number + 1, sdp.answering(described.lines))
    # Its checks come as soon as it has the answer.
    leg.meet(described.transport, controlling=described.lite)
    await handle.ask({"request": "start"}, {"type": "answer", "sdp": answer, "trickle": False})
    await legs.connect(leg)


class _Session:
    """One Janus session on one WebSocket; replies find their question by its transaction."""

    def __init__(self, socket_: websockets.ClientConnection) -> None:
        self._socket = socket_
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)
        self._id = 0
        self._tasks = [asyncio.create_task(self._read())]

    @classmethod
    async def open(cls, url: str) -> "_Session":
        """Connect and create the session."""
        socket_ = await websockets.connect(url, subprotocols=[websockets.Subprotocol("janus-protocol")], max_size=None)
        session = cls(socket_)
        session._id = (await session.ask({"janus": "create"}))["data"]["id"]
        session._tasks.append(asyncio.create_task(session._keep_alive()))
        return session

    async def attach(self) -> "_Handle":
        """A new handle of the VideoRoom plugin."""
        reply = await self.ask({"janus": "attach", "plugin": "janus.plugin.videoroom"})
        return _Handle(self, reply["data"]["id"])

    async def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send, and wait for the reply that is not a mere acknowledgement; raises RuntimeError when refused."""
        transaction = f"{next(self._numbers)}-{secrets.token_hex(4)}"
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[transaction] = future
        session = {"session_id": self._id} if self._id else {}
        await self._socket.send(json.dumps({**message, **session, "transaction": transaction}))
        reply = await asyncio.wait_for(future, ANSWER_TIMEOUT_S)
        refused = reply.get("error") or reply.get("plugindata", {}).get("data", {}).get("error")
        if refused:
            raise RuntimeError(f"Janus refused {message.get('body', message)}: {refused}")
        return reply

    async def close(self) -> None:
        """Close the WebSocket."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._socket.close()

    async def _read(self) -> None:
        async for text in self._socket:
            message = json.loads(text)
            future = self._waiting.get(message.get("transaction", ""))
            if message["janus"] not in {"ack", "keepalive"} and future is not None and not future.done():
                del self._waiting[message["transaction"]]
                future.set_result(message)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(KEEP_ALIVE_S)
            message = {"janus": "keepalive", "session_id": self._id, "transaction": "alive"}
            await self._socket.send(json.dumps(message))


class _Handle:
    """One handle of a session: one peer connection."""

    def __init__(self, session: _Session, number: int) -> None:
        self._session = session
        self._number = number

    async def ask(self, body: dict[str, Any], jsep: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask the plugin something."""
        message = {"janus": "message", "handle_id": self._number, "body": body}
        return await self._session.ask(message if jsep is None else {**message, "jsep": jsep})


def _others(folder: str, kept: str) -> str:
    return ",".join(sorted(one.name for one in (LIBRARIES / folder).glob("*.so") if kept not in one.name))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
