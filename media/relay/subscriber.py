"""The subscribing peer connection of one client: the room's offers rendered, the client's answers read."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from media.forwarder.api import AddSink, ExtensionIds, PayloadName
from media.relay.codecs import SUBSCRIBER_CODECS, SUBSCRIBER_EXTENSIONS, TRANSPORT_CC, extension_ids
from media.relay.local_sdp import SentLine, write_offer
from media.relay.media_port import Leg, LegOwner, MediaPort
from media.relay.remote_sdp import RemoteMedia, SdpError, read_remote_description
from media.session.actions import OfferedLine


@dataclass(frozen=True)
class SentAs:
    """How the client wants a line sent, by its answer."""

    payload_types: Mapping[PayloadName, tuple[int, int | None]]
    extensions: ExtensionIds


@dataclass(frozen=True)
class TrackSsrcs:
    """Our SSRCs for a track towards this client."""

    ssrc: int
    rtx_ssrc: int | None


class Subscriber:
    """Sends to one client over a peer connection that the relay offers."""

    def __init__(self, port: MediaPort, owner: LegOwner) -> None:
        self._port = port
        self._owner = owner
        self.leg: Leg | None = None
        self._ssrcs: dict[str, TrackSsrcs] = {}
        self._used_ssrcs: set[int] = set()
        self._lines: dict[str, SentAs] = {}

    def offer(self, lines: tuple[OfferedLine, ...], cname_of: Callable[[str], str], *, restarts: bool = False) -> str:
        """Render an offer of these lines; `cname_of` maps a party to its canonical name.

        `restarts`: with new ICE credentials (RFC 8839 section 4.4.1.1.1), so that the client looks for another path.
        """
        if self.leg is None:
            self.leg = self._port.open_leg(self._owner, cname="relay")
        elif restarts:
            self._port.restart_ice(self.leg)
        leg = self.leg
        self._forget_gone_tracks(lines)
        sent = [self._render(line, cname_of) for line in lines]
        return write_offer(self._port.local_transport(leg), next(leg.version), sent)

    def apply(self, sdp: str, lines: tuple[OfferedLine, ...]) -> frozenset[str]:
        """Read the answer; returns the mids whose track the client takes. Raises SdpError, then nothing changed."""
        leg = self.leg
        if leg is None:
            raise SdpError("nothing was offered")
        answer = read_remote_description(sdp)
        if answer.setup != "active":
            raise SdpError("the relay is the DTLS server: a=setup must be active")
        if [media.mid for media in answer.media] != [line.mid for line in lines]:
            raise SdpError("the answer must have the m-lines of the offer, in the same order")
        if any(media.rejected for media in answer.media):
            raise SdpError("m-lines of the relay's offer must not be rejected")
        if leg.remote_fingerprints and leg.remote_fingerprints != answer.fingerprints:
            raise SdpError("the certificate changed within one peer connection")
        self._lines = {media.mid: _sent_as(media, line) for media, line in zip(answer.media, lines, strict=True)}
        self._port.start(leg, answer.fingerprints)
        return frozenset(media.mid for media in answer.media if media.receives and self._lines[media.mid].payload_types)

    @property
    def reports(self) -> bool:
        """Whether the client agreed to tell when each packet arrived (transport-wide feedback)."""
        return any(line.extensions.transport_cc is not None for line in self._lines.values())

    def refuses_h264(self, lines: tuple[OfferedLine, ...]) -> bool:
        """Whether some video line was answered without H.264."""
        videos = [self._lines[line.mid] for line in lines if line.kind == "video" and line.mid in self._lines]
        return any("h264" not in line.payload_types for line in videos)

    def sink(self, number: int, stream: int, mid: str, track_id: str) -> AddSink | None:
        """The command that sends a stream to the client; None while its leg is not ready."""
        line, ssrcs = self._lines.get(mid), self._ssrcs.get(track_id)
        if self.leg is None or not self.leg.ready or line is None or ssrcs is None:
            return None
        return AddSink(
            sink=number,
            stream=stream,
            peer=self.leg.number,
            ssrc=ssrcs.ssrc,
            rtx_ssrc=ssrcs.rtx_ssrc,
            payload_types=line.payload_types,
            extensions=line.extensions,
            mid=mid,
        )

    def close(self) -> None:
        """Drop the peer connection."""
        if self.leg is not None:
            self._port.drop(self.leg)
            self.leg = None

    def _render(self, line: OfferedLine, cname_of: Callable[[str], str]) -> SentLine:
        if line.track_id is None or line.party_id is None or line.source is None:
            return SentLine(line.mid, line.kind)
        ssrcs = self._ssrcs.get(line.track_id)
        if ssrcs is None:
            ssrcs = TrackSsrcs(self._new_ssrc(), self._new_ssrc() if line.kind == "video" else None)
            self._ssrcs[line.track_id] = ssrcs
        return SentLine(
            mid=line.mid,
            kind=line.kind,
            stream_id=f"{line.party_id}|{'screen' if line.source.startswith('screen') else 'camera'}",
            track_id=line.track_id,
            ssrc=ssrcs.ssrc,
            rtx_ssrc=ssrcs.rtx_ssrc,
            cname=cname_of(line.party_id),
        )

    def _forget_gone_tracks(self, lines: tuple[OfferedLine, ...]) -> None:
        offered = {line.track_id for line in lines}
        self._ssrcs = {track_id: ssrcs for track_id, ssrcs in self._ssrcs.items() if track_id in offered}

    def _new_ssrc(self) -> int:
        # Never twice within a peer connection: the client may still remember the old one.
        while (ssrc := secrets.randbits(32)) == 0 or ssrc in self._used_ssrcs:
            pass
        self._used_ssrcs.add(ssrc)
        return ssrc


def _sent_as(media: RemoteMedia, line: OfferedLine) -> SentAs:
    if media.kind != line.kind:
        raise SdpError(f"m-line {line.mid} must be {line.kind}")
    if media.sends:
        raise SdpError(f"m-line {line.mid} must not send")
    answered = {codec.payload_type: codec.name for codec in media.codecs}
    payload_types: dict[PayloadName, tuple[int, int | None]] = {}
    for codec in SUBSCRIBER_CODECS[line.kind]:
        if answered.get(codec.payload_type) == codec.name:
            rtx = codec.rtx_payload_type
            payload_types[codec.name] = (codec.payload_type, rtx if answered.get(rtx or -1) == "rtx" else None)
    ours = SUBSCRIBER_EXTENSIONS[line.kind]
    agreed = {uri: number for uri, number in media.extensions.items() if ours.get(uri) == number}
    if not any("transport-cc" in codec.feedback for codec in media.codecs):
        agreed.pop(TRANSPORT_CC, None)
    return SentAs(payload_types, extension_ids(agreed))
