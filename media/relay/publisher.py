"""The publishing peer connection of one client: its offers answered, and what each of its lines carries."""

from dataclasses import dataclass

from media.contract import TrackKind, TrackSource
from media.forwarder.api import AddStream, ExtensionIds
from media.relay.codecs import PUBLISHER_EXTENSIONS, ChosenCodec, choose_codec, extension_ids
from media.relay.local_sdp import received_layers, write_answer
from media.relay.media_port import Leg, LegOwner, MediaPort
from media.relay.remote_sdp import RemoteDescription, RemoteMedia, SdpError, read_remote_description
from media.session.actions import WantedTrack
from media.session.events import AnsweredTrack

KIND_OF_SOURCE: dict[TrackSource, TrackKind] = {
    "camera": "video",
    "microphone": "audio",
    "screen": "video",
    "screen_audio": "audio",
}


@dataclass(frozen=True)
class ReceivedLine:
    """An m-line that the relay receives, as negotiated."""

    kind: TrackKind
    codec: ChosenCodec
    extensions: ExtensionIds
    ssrcs: tuple[int, ...]
    layers: tuple[str, ...] = ()
    "Rids of its simulcast layers, lowest first; () without."


@dataclass(frozen=True)
class Answer:
    """The outcome of a publish offer."""

    sdp: str
    tracks: tuple[AnsweredTrack, ...]
    fresh: bool
    "Whether it is a new peer connection, with everything from before gone."


class Publisher:
    """Receives from one client. The client may come with a new peer connection at any time; it replaces the old."""

    def __init__(self, port: MediaPort, owner: LegOwner, cname: str) -> None:
        self._port = port
        self._owner = owner
        self._cname = cname
        self.leg: Leg | None = None
        self._lines: dict[str, ReceivedLine] = {}

    def answer(self, sdp: str, wanted: tuple[WantedTrack, ...], *, avoid_h264: bool) -> Answer:
        """Answer an offer. Raises SdpError, and then nothing has changed."""
        offer = read_remote_description(sdp)
        if offer.setup == "passive":
            raise SdpError("the relay is the DTLS server: a=setup must be actpass or active")
        chosen = {line.mid: codec for line in offer.media if (codec := _choose(line, avoid_h264)) is not None}
        received = {track.mid: _receive(track, offer, chosen) for track in wanted}
        leg, fresh = self._leg_for(offer)
        self._lines = received
        answer = write_answer(self._port.local_transport(leg), next(leg.version), offer.media, chosen, received)
        self._port.start(leg, offer.fingerprints)
        tracks = tuple(
            AnsweredTrack(
                one.mid, one.source, received[one.mid].kind, received[one.mid].codec.name, one.temporal_layers
            )
            for one in wanted
        )
        return Answer(answer, tracks, fresh)

    @property
    def sends_h264(self) -> bool:
        """Whether some line of it was agreed to carry H.264."""
        return any(line.codec.name == "h264" for line in self._lines.values())

    def stream(self, number: int, mid: str) -> AddStream | None:
        """The command that makes the packet core receive the line `mid`; None while the leg is not ready."""
        line = self._lines.get(mid)
        if self.leg is None or not self.leg.ready or line is None:
            return None
        return AddStream(
            stream=number,
            peer=self.leg.number,
            kind=line.kind,
            mid=mid,
            codecs=line.codec.stream_codecs(line.extensions),
            extensions=line.extensions,
            ssrcs=line.ssrcs,
            layers=line.layers,
        )

    def close(self) -> None:
        """Drop the peer connection."""
        if self.leg is not None:
            self._port.drop(self.leg)
            self.leg = None
        self._lines = {}

    def _leg_for(self, offer: RemoteDescription) -> tuple[Leg, bool]:
        leg = self.leg
        same = leg is not None and (leg.remote_session_id, leg.remote_fingerprints) == (
            offer.session_id,
            offer.fingerprints,
        )
        fresh = leg is not None and not same
        if leg is None or fresh:
            self.close()
            leg = self._port.open_leg(self._owner, self._cname)
            leg.remote_session_id = offer.session_id
            self.leg = leg
        elif leg.remote_ufrag != offer.ufrag:
            # RFC 8839 section 4.4.3.1.1: changed credentials ask for an ICE restart.
            self._port.restart_ice(leg)
        leg.remote_ufrag = offer.ufrag
        return leg, fresh


def _choose(line: RemoteMedia, avoid_h264: bool) -> ChosenCodec | None:
    return (
        None if line.rejected or line.kind not in KIND_OF_SOURCE.values() else choose_codec(line, avoid_h264=avoid_h264)
    )


def _receive(track: WantedTrack, offer: RemoteDescription, chosen: dict[str, ChosenCodec]) -> ReceivedLine:
    line = next((line for line in offer.media if line.mid == track.mid), None)
    if line is None:
        raise SdpError(f"tracks name the mid {track.mid}, which the SDP does not have")
    kind = KIND_OF_SOURCE[track.source]
    if line.kind != kind:
        raise SdpError(f"m-line {track.mid} is {line.kind}, but {track.source} is {kind}")
    if not line.sends:
        raise SdpError(f"m-line {track.mid} does not send")
    codec = chosen.get(track.mid)
    if codec is None:
        raise SdpError(f"m-line {track.mid} offers no codec of the relay: Opus, H.264 (packetization mode 1), VP8")
    extensions = {uri: line.extensions[uri] for uri in PUBLISHER_EXTENSIONS[kind] if uri in line.extensions}
    layers = received_layers(line)
    return ReceivedLine(kind, codec, extension_ids(extensions), () if layers else line.ssrcs, layers)
