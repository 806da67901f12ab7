"""A hand-written service for clients of the live protocol: device endpoints over HTTP, the WebSocket, and a real aiortc
peer on the other side that decodes what it gets and sends a room's picture and sound back.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, VideoFrame
from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

from media.room_client.block_clock import read_clock
from media.room_client.peers import describe_locally
from media.room_client.picture import RoomPicture, unix_ms_now
from media.room_client.sound import encoded_melody
from media.room_client.tracks import PictureTrack, SoundTrack

TOKEN = "good-token"
REMOTE_PARTY = "room:remote"


class FakeConnection:
    """One joined client: what came from it, and what it is sent."""

    def __init__(self, websocket: WebSocket, may_publish: bool) -> None:
        self.websocket = websocket
        self.may_publish = may_publish
        self.messages: list[dict[str, Any]] = []
        self.pictures = 0
        self.sounds = 0
        self.delays_ms: list[int] = []
        self.sizes: set[tuple[int, int]] = set()
        self.codec = ""
        self.incoming: RTCPeerConnection | None = None
        self.outgoing: RTCPeerConnection | None = None
        self.tasks: list[asyncio.Task[None]] = []
        self.closing: asyncio.Task[None] | None = None

    async def send(self, kind: str, **fields: Any) -> None:
        await self.websocket.send_text(json.dumps({"v": 1, "type": kind, **fields}))

    async def take_offer(self, message: dict[str, Any]) -> None:
        self.incoming = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.incoming.on("track", lambda track: self.tasks.append(asyncio.create_task(self._watch(track))))
        await self.incoming.setRemoteDescription(RTCSessionDescription(message["sdp"], "offer"))
        await describe_locally(self.incoming, await self.incoming.createAnswer())
        sdp = self.incoming.localDescription.sdp
        video = sdp[sdp.index("m=video") :]
        self.codec = video[video.index("a=rtpmap") :].split()[1].split("/")[0].lower()
        await self.send("published", id=message["id"], sdp=sdp)

    async def offer_remote_room(self) -> None:
        self.outgoing = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        picture = PictureTrack(RoomPicture("Remote", 320, 180))
        picture.use_codec("h264")
        sender = self.outgoing.addTrack(picture)
        sender._send_keyframe = picture.request_key_frame  # type: ignore[method-assign]
        self.outgoing.addTrack(SoundTrack(encoded_melody("Remote")))
        for transceiver in self.outgoing.getTransceivers():
            if transceiver.kind == "video":
                codecs = RTCRtpSender.getCapabilities("video").codecs
                transceiver.setCodecPreferences([codec for codec in codecs if codec.name in {"H264", "rtx"}])
            transceiver.direction = "sendonly"
        await describe_locally(self.outgoing, await self.outgoing.createOffer())
        tracks = [
            {
                "mid": transceiver.mid,
                "track_id": f"track-{transceiver.kind}",
                "party_id": REMOTE_PARTY,
                "source": "camera" if transceiver.kind == "video" else "microphone",
                "kind": transceiver.kind,
            }
            for transceiver in self.outgoing.getTransceivers()
        ]
        await self.send("subscribe", id=1, sdp=self.outgoing.localDescription.sdp, tracks=tracks)

    async def take_answer(self, message: dict[str, Any]) -> None:
        if self.outgoing is not None:
            await self.outgoing.setRemoteDescription(RTCSessionDescription(message["sdp"], "answer"))

    async def _watch(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if isinstance(frame, VideoFrame):
                self.pictures += 1
                self.sizes.add((frame.width, frame.height))
                if (drawn_ms := read_clock(frame)) is not None:
                    self.delays_ms.append(unix_ms_now() - drawn_ms)
            elif isinstance(frame, AudioFrame) and abs(frame.to_ndarray()).max() > 300:
                self.sounds += 1

    async def close(self) -> None:
        # aiortc takes a peer connection for closed as soon as its closing begins: interrupted, that leaves sockets.
        self.closing = self.closing or asyncio.create_task(self._close())
        await asyncio.shield(self.closing)

    async def _close(self) -> None:
        for peer in (self.incoming, self.outgoing):
            if peer is not None:
                await peer.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


class FakeLiveService:
    """State of the service; tests change it while it runs."""

    def __init__(self) -> None:
        self.url = ""
        self.connections: list[FakeConnection] = []
        self.may_publish = True
        self.join_error: dict[str, str] | None = None
        self.polls_until_paired = 1
        self.lesson_id: str | None = "lesson"
        self.token = TOKEN
        self.pairings = 0

    def app(self) -> FastAPI:
        app = FastAPI()
        app.post("/api/device/pairing")(self.begin_pairing)
        app.post("/api/device/pairing/{pairing_id}")(self.poll_pairing)
        app.get("/api/device")(self.device)
        app.get("/api/device/lesson")(self.lesson)
        app.websocket("/api/live")(self.live)
        return app

    async def begin_pairing(self) -> dict[str, str]:
        self.pairings += 1
        return {"code": "482913", "pairing_id": "p", "secret": "s", "expires_at": "2026-01-01T00:00:00Z"}

    async def poll_pairing(self, pairing_id: str, request: Request) -> JSONResponse:
        assert (await request.json())["secret"] == "s"
        self.polls_until_paired -= 1
        if self.polls_until_paired >= 0:
            return JSONResponse({"state": "waiting"})
        response = JSONResponse({"state": "paired", "token": self.token})
        response.set_cookie("room_device", self.token)
        return response

    def _known(self, request: Request | WebSocket) -> bool:
        assert "cookie" not in request.headers
        return request.headers.get("authorization") == f"Bearer {self.token}"

    async def device(self, request: Request) -> JSONResponse:
        if not self._known(request):
            return JSONResponse({"code": "not_signed_in"}, 401)
        return JSONResponse({"room": {"id": "r", "name": "Room 3"}, "server_time": "2026-01-01T00:00:00Z"})

    async def lesson(self, request: Request) -> JSONResponse:
        if not self._known(request):
            return JSONResponse({"code": "not_signed_in"}, 401)
        return JSONResponse({"current": {"id": self.lesson_id} if self.lesson_id else None, "next": None})

    async def live(self, websocket: WebSocket) -> None:
        if not self._known(websocket):
            await websocket.close()
            return
        await websocket.accept()
        connection = FakeConnection(websocket, self.may_publish)
        try:
            while True:
                message = await websocket.receive_json()
                connection.messages.append(message)
                await self._handle(connection, message)
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            await connection.close()

    async def _handle(self, connection: FakeConnection, message: dict[str, Any]) -> None:
        assert message["v"] == 1
        if message["type"] == "join":
            if self.join_error is not None:
                await connection.send("error", about="join", **self.join_error)
                return
            self.connections.append(connection)
            await connection.send(
                "welcome", party_id="room:r", role="room", may_publish=connection.may_publish, recording=False
            )
            await connection.offer_remote_room()
        elif message["type"] == "publish":
            await connection.take_offer(message)
        elif message["type"] == "subscribed":
            await connection.take_answer(message)
        elif message["type"] == "ping":
            await connection.send("pong")


@asynccontextmanager
async def fake_live_service() -> AsyncIterator[FakeLiveService]:
    """A running service on a port of its own."""
    service = FakeLiveService()
    listener = socket.create_server(("127.0.0.1", 0))
    service.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(service.app(), log_level="warning", ws="websockets-sansio", lifespan="off")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield service
    finally:
        server.should_exit = True
        await task
        for connection in service.connections:
            await connection.close()
        listener.close()


async def until(condition: Any, seconds: float = 60) -> None:
    """Wait until `condition()` holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - it looks at things that tell nobody of their changes
            await asyncio.sleep(0.02)
