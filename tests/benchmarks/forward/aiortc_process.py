"""aiortc's MediaRelay as a process of its own: one publisher's tracks to every subscriber."""

import asyncio
import json
import sys
from typing import Any

import aioice.ice
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay


def connection() -> RTCPeerConnection:
    """A peer connection that asks no outside host for anything."""
    return RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))


class Room:
    """The publisher, the relay and the subscribers."""

    def __init__(self) -> None:
        self._relay = MediaRelay()
        self._publisher = connection()
        self._subscribers: list[RTCPeerConnection] = []

    async def handle(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """Obey one line and return the reply."""
        if message["type"] == "publish":
            await self._publisher.setRemoteDescription(RTCSessionDescription(message["sdp"], "offer"))
            await self._publisher.setLocalDescription(await self._publisher.createAnswer())
            return {"sdp": self._publisher.localDescription.sdp}
        if message["type"] == "subscribe":
            subscriber = connection()
            for transceiver in self._publisher.getTransceivers():
                subscriber.addTrack(self._relay.subscribe(transceiver.receiver.track))
            self._subscribers.append(subscriber)
            await subscriber.setLocalDescription(await subscriber.createOffer())
            return {"number": len(self._subscribers) - 1, "sdp": subscriber.localDescription.sdp}
        await self._subscribers[message["number"]].setRemoteDescription(RTCSessionDescription(message["sdp"], "answer"))
        return None


async def main() -> None:
    """Serve until the input closes."""
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [sys.argv[1]]
    lines = asyncio.StreamReader(limit=1 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    room = Room()
    print(json.dumps({"type": "started"}), flush=True)
    async for line in lines:
        reply = await room.handle(json.loads(line))
        if reply is not None:
            print(json.dumps(reply), flush=True)


asyncio.run(main())
