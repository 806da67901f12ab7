"""The two peer connections of a lesson's client: one it publishes on, one the relay sends the others' tracks on."""

import asyncio
from collections.abc import Callable
from typing import Any

import aioice.ice
from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.rtcrtpparameters import RTCRtpCodecCapability
from aiortc.rtcrtpreceiver import RemoteStreamTrack
from aiortc.sdp import SessionDescription

from media.room_client.encoding import VideoCodec
from media.room_client.errors import ConnectionLostError
from media.room_client.reception import Decoding, OnFrame, Reception, attach, consume
from media.room_client.tracks import PictureTrack, SoundTrack

PREFERRED_VIDEO: dict[VideoCodec, list[str]] = {"h264": ["H264", "VP8"], "vp8": ["VP8", "H264"]}

_all_host_addresses = aioice.ice.get_host_addresses


def _host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    """aioice leaves loopback out; on a machine without a network it is all there is."""
    return _all_host_addresses(use_ipv4, use_ipv6) or (["127.0.0.1"] if use_ipv4 else [])


def new_peer_connection(on_lost: Callable[[], None]) -> RTCPeerConnection:
    """A peer connection that asks no outside host for anything; `on_lost` is called when it fails."""
    # aiortc's default would ask a public STUN server.
    aioice.ice.get_host_addresses = _host_addresses
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))

    def state_changed() -> None:
        if connection.connectionState in {"failed", "closed"}:
            on_lost()

    connection.on("connectionstatechange", state_changed)
    return connection


async def describe_locally(connection: RTCPeerConnection, description: RTCSessionDescription) -> None:
    """Set the local description, also when cancelled: aioice forgets the sockets of a gathering that does not end."""
    gathering = asyncio.ensure_future(connection.setLocalDescription(description))
    try:
        await asyncio.shield(gathering)
    except asyncio.CancelledError:
        await asyncio.wait({gathering})
        raise


class Publisher:
    """Sends the room's picture and sound."""

    def __init__(
        self, picture: PictureTrack, sound: SoundTrack, preferred: VideoCodec, on_lost: Callable[[], None]
    ) -> None:
        self._picture = picture
        self._connection = new_peer_connection(on_lost)
        video_sender = self._connection.addTrack(picture)
        self._connection.addTrack(sound)
        self._prefer(preferred)
        # aiortc tells nobody about key frame requests when it is given encoded packets.
        if not hasattr(video_sender, "_send_keyframe"):
            raise RuntimeError("this version of aiortc takes key frame requests elsewhere")
        video_sender._send_keyframe = picture.request_key_frame  # type: ignore[method-assign]

    def _prefer(self, preferred: VideoCodec) -> None:
        capabilities = RTCRtpSender.getCapabilities("video").codecs
        order = [*PREFERRED_VIDEO[preferred], "rtx"]

        def rank(codec: RTCRtpCodecCapability) -> tuple[int, bool]:
            # Constrained baseline (42e01f) before baseline: it is what the relay chooses.
            return order.index(codec.name), codec.parameters.get("profile-level-id") != "42e01f"

        for transceiver in self._connection.getTransceivers():
            if transceiver.kind == "video":
                known = [codec for codec in capabilities if codec.name in order]
                transceiver.setCodecPreferences(sorted(known, key=rank))

    async def offer(self) -> tuple[str, list[dict[str, str]]]:
        """The SDP offer and which mid carries which source."""
        await describe_locally(self._connection, await self._connection.createOffer())
        tracks = [
            {"mid": transceiver.mid or "", "source": "camera" if transceiver.kind == "video" else "microphone"}
            for transceiver in self._connection.getTransceivers()
        ]
        return self._connection.localDescription.sdp, tracks

    async def accept(self, sdp: str) -> None:
        """Take the relay's answer and send in the codec it chose; raises ConnectionLostError if it makes no sense."""
        try:
            codec = chosen_video_codec(sdp)
            await self._connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        except Exception as error:  # aiortc's SDP parser raises whatever it stumbles over
            raise ConnectionLostError(f"the server's answer makes no sense: {error}") from error
        if codec is not None:
            self._picture.use_codec(codec)

    async def close_quietly(self) -> None:
        """Stop sending, without telling `on_lost`."""
        self._connection.remove_all_listeners("connectionstatechange")
        await self._connection.close()


def chosen_video_codec(sdp: str) -> VideoCodec | None:
    """The first video codec of an answer, None if video was refused; raises ValueError for one we cannot encode."""
    for media in SessionDescription.parse(sdp).media:
        if media.kind == "video" and media.port and media.rtp.codecs:
            name = media.rtp.codecs[0].name.lower()
            if name == "h264":
                return "h264"
            if name == "vp8":
                return "vp8"
            raise ValueError(f"the codec {name} was chosen")
    return None


class Subscriber:
    """Receives the others' tracks; `receptions` are those of now by track id."""

    def __init__(self, decoding: Decoding, on_frame: OnFrame | None, on_lost: Callable[[], None]) -> None:
        self.receptions: dict[str, Reception] = {}
        self._decoding: Decoding = decoding
        self._on_frame = on_frame
        self._connection = new_peer_connection(on_lost)
        self._connection.on("track", self._on_track)
        self._consumers: list[asyncio.Task[None]] = []
        self._described: dict[str, dict[str, Any]] = {}
        self._by_mid: dict[str, Reception] = {}

    async def answer(self, sdp: str, tracks: list[dict[str, Any]]) -> str:
        """Take the relay's offer, return our answer; raises ConnectionLostError if the offer makes no sense."""
        self._described = {str(track.get("mid")): track for track in tracks}
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
            await self._follow_descriptions()
            await describe_locally(self._connection, await self._connection.createAnswer())
        except Exception as error:  # as above
            raise ConnectionLostError(f"the server's offer makes no sense: {error}") from error
        return self._connection.localDescription.sdp

    async def close_quietly(self) -> None:
        """Stop receiving, without telling `on_lost`."""
        self._connection.remove_all_listeners("connectionstatechange")
        await self._connection.close()
        for task in self._consumers:
            task.cancel()
        await asyncio.gather(*self._consumers, return_exceptions=True)

    def _on_track(self, track: MediaStreamTrack) -> None:
        """A new m-line: from now on what its receiver gets is counted."""
        for transceiver in self._connection.getTransceivers():
            if transceiver.receiver.track is track:
                self._attach(transceiver.receiver, transceiver.mid or "", track)

    def _attach(self, receiver: RTCRtpReceiver, mid: str, track: MediaStreamTrack) -> None:
        described = self._described.get(mid, {})
        reception = Reception(
            str(described.get("track_id", "")),
            str(described.get("party_id", "")),
            str(described.get("source", "")),
            track.kind,
        )
        attach(receiver, reception, self._decoding)
        self._by_mid[mid] = reception
        self._consumers.append(asyncio.create_task(consume(track, reception, self._on_frame)))

    async def _follow_descriptions(self) -> None:
        """Make receivers anew whose m-line now carries another track, and name what is received."""
        for transceiver in self._connection.getTransceivers():
            mid = transceiver.mid or ""
            reception, described = self._by_mid.get(mid), self._described.get(mid)
            if reception is None or described is None or reception.track_id == described.get("track_id"):
                continue
            receiver = transceiver.receiver
            await receiver.stop()
            # aiortc's receivers end with the first BYE and cannot be started again: begin its life anew in place.
            RTCRtpReceiver.__init__(receiver, reception.kind, receiver.transport)
            receiver._track = RemoteStreamTrack(reception.kind)
            self._attach(receiver, mid, receiver.track)
        self._consumers = [task for task in self._consumers if not task.done()]
        self.receptions = {
            self._by_mid[mid].track_id: self._by_mid[mid] for mid in self._described if mid in self._by_mid
        }
