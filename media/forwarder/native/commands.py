"""Commands of the seam, checked and given to the Cython core."""

from collections.abc import Callable, Iterable
from dataclasses import astuple
from typing import Any

from media.forwarder import api
from media.forwarder.native.address import pack
from media.forwarder.native.core import Core, FullError, UnknownNumberError
from media.forwarder.native.keys import session_keys

CODECS: tuple[api.CodecName, ...] = ("opus", "vp8", "h264")
PAYLOADS: tuple[api.PayloadName, ...] = (*CODECS, "red")
"In the order of the core's codec numbers."
_PROFILES = {
    api.SrtpProfile.AEAD_AES_128_GCM: 0,
    api.SrtpProfile.AEAD_AES_256_GCM: 1,
    api.SrtpProfile.AES128_CM_SHA1_80: 2,
}
_MAX_MID_BYTES = 255
_HIGHEST_TID = 3
_SLOWEST, _FASTEST, _FASTEST_PROBE = 10_000, 1_000_000_000, 100_000_000


class Commands:
    """Obeys commands; a refused one changes nothing."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._obey: dict[type, Callable[[Any, int], None]] = {
            api.AddPeer: self._add_peer,
            api.SetPeerAddress: lambda c, _now: core.set_peer_address(c.peer, pack(c.address)),
            api.AddPeerAddress: lambda c, _now: core.add_peer_address(c.peer, pack(c.address)),
            api.AnswerChecks: lambda c, _now: core.set_checks(c.peer, c.ufrag.encode(), c.password.encode()),
            api.RemovePeer: lambda c, _now: core.remove_peer(c.peer),
            api.AddStream: self._add_stream,
            api.RemoveStream: lambda c, _now: core.remove_stream(c.stream),
            api.AddSink: self._add_sink,
            api.SetSinkActive: lambda c, _now: core.set_sink_active(c.sink, c.active),
            api.RemoveSink: lambda c, _now: core.remove_sink(c.sink),
            api.RequestKeyframe: lambda c, _now: core.request_keyframe(c.stream),
            api.SetTap: self._set_tap,
            api.SetSinkLayer: self._set_sink_layer,
            api.SetSinkRepeat: lambda c, _now: core.set_sink_repeat(c.sink, c.on),
            api.SetPeerRate: self._set_peer_rate,
            api.Probe: self._probe,
        }

    def obey(self, command: api.Command, now_us: int) -> None:
        """Raises CommandError."""
        try:
            self._obey[type(command)](command, now_us)
        except UnknownNumberError as error:
            raise api.CommandError(f"{type(command).__name__} names {error}, which does not exist") from None
        except FullError as error:
            raise api.CommandError(str(error)) from None

    def _add_peer(self, command: api.AddPeer, now_us: int) -> None:
        if self._core.has_peer(command.peer):
            raise api.CommandError(f"peer {command.peer} exists")
        self._core.add_peer(
            command.peer,
            _PROFILES[command.profile],
            session_keys(command.profile, command.send_key, command.send_salt),
            session_keys(command.profile, command.receive_key, command.receive_salt),
            command.cname.encode(),
            now_us,
        )

    def _add_stream(self, command: api.AddStream, _now_us: int) -> None:
        if self._core.has_stream(command.stream):
            raise api.CommandError(f"stream {command.stream} exists")
        if not command.codecs:
            raise api.CommandError("a stream needs a codec")
        names = {codec.name for codec in command.codecs}
        if "red" in names and (command.kind == "video" or "opus" not in names):
            raise api.CommandError("red carries Opus, which must be among the codecs, too")
        rtx = (codec.rtx_payload_type for codec in command.codecs)
        _check_payload_types((*(codec.payload_type for codec in command.codecs), *rtx))
        _check_ssrcs(command.ssrcs)
        _check_layers(command)
        self._core.add_stream(
            command.stream,
            command.peer,
            command.kind == "video",
            _mid(command.mid),
            [_codec_fields(codec) for codec in command.codecs],
            _extension_ids(command.extensions),
            command.ssrcs,
            [rid.encode() for rid in command.layers],
        )

    def _add_sink(self, command: api.AddSink, _now_us: int) -> None:
        if self._core.has_sink(command.sink):
            raise api.CommandError(f"sink {command.sink} exists")
        ssrcs = [command.ssrc] if command.rtx_ssrc is None else [command.ssrc, command.rtx_ssrc]
        _check_ssrcs(ssrcs)
        if command.ssrc == command.rtx_ssrc or any(self._core.uses_ssrc(command.peer, ssrc) for ssrc in ssrcs):
            raise api.CommandError(f"an SSRC of sink {command.sink} is in use")
        pairs = [command.payload_types.get(name, (None, None)) for name in PAYLOADS]
        _check_payload_types(number for pair in pairs for number in pair)
        self._core.add_sink(
            command.sink,
            command.stream,
            command.peer,
            command.ssrc,
            command.rtx_ssrc,
            [(_or_none(media), _or_none(rtx)) for media, rtx in pairs],
            _extension_ids(command.extensions),
            _mid(command.mid),
            command.active,
        )

    def _set_tap(self, command: api.SetTap, now_us: int) -> None:
        if command.into is not None and not hasattr(command.into, "packet_tap"):
            raise api.CommandError("what takes the packets of a stream is a PacketTap")
        self._core.set_tap(command.stream, command.on, command.into, now_us)

    def _set_sink_layer(self, command: api.SetSinkLayer, _now_us: int) -> None:
        if command.temporal is not None and not 0 <= command.temporal <= _HIGHEST_TID:
            raise api.CommandError("temporal layers are 0-3 (RFC 7741 4.2)")
        layers = self._core.layers_of(command.sink)
        if layers and not 0 <= command.layer < layers:
            raise api.CommandError(f"sink {command.sink} has layers 0-{layers - 1}, not {command.layer}")
        temporal = _HIGHEST_TID + 1 if command.temporal is None else command.temporal
        self._core.set_sink_layer(command.sink, command.layer, temporal)

    def _set_peer_rate(self, command: api.SetPeerRate, now_us: int) -> None:
        if command.bits_per_second is not None and not _SLOWEST <= command.bits_per_second <= _FASTEST:
            raise api.CommandError(f"a line carries {_SLOWEST} to {_FASTEST} bit/s")
        self._core.set_peer_rate(command.peer, command.bits_per_second or 0, now_us)

    def _probe(self, command: api.Probe, now_us: int) -> None:
        if not _SLOWEST <= command.bits_per_second <= _FASTEST_PROBE or not 50 <= command.duration_ms <= 2000:
            raise api.CommandError(f"a probe has {_SLOWEST} to {_FASTEST_PROBE} bit/s for 50 to 2,000 ms")
        self._core.probe(command.peer, command.bits_per_second, command.duration_ms * 1000, now_us)


def _check_layers(command: api.AddStream) -> None:
    if not command.layers:
        return
    if command.kind != "video" or len(command.layers) == 1 or len(set(command.layers)) < len(command.layers):
        raise api.CommandError("a simulcast is video with 2 to 4 different rids")
    if command.ssrcs or "" in command.layers:
        raise api.CommandError("the SSRCs of a simulcast are bound by rids, which are not empty")
    if command.extensions.mid is None or command.extensions.rid is None:
        raise api.CommandError("a simulcast needs the extensions mid and rid")


def _codec_fields(codec: api.StreamCodec) -> tuple[int, int, int, int, bool, bool, bool]:
    return (
        codec.payload_type,
        _or_none(codec.rtx_payload_type),
        PAYLOADS.index(codec.name),
        codec.clock_rate,
        codec.nack,
        codec.pli,
        codec.twcc,
    )


def _or_none(payload_type: int | None) -> int:
    """The core's -1 stands for None."""
    return -1 if payload_type is None else payload_type


def _check_payload_types(numbers: Iterable[int | None]) -> None:
    if not all(number is None or 0 <= number < 128 for number in numbers):
        raise api.CommandError("payload types have 7 bits")


def _check_ssrcs(ssrcs: Iterable[int]) -> None:
    if not all(0 <= ssrc < 1 << 32 for ssrc in ssrcs):
        raise api.CommandError("SSRCs have 32 bits")


def _extension_ids(ids: api.ExtensionIds) -> tuple[int, ...]:
    numbers: tuple[int | None, ...] = astuple(ids)
    if not all(number is None or 1 <= number <= 255 for number in numbers):
        raise api.CommandError("extension ids are 1-255 (RFC 8285 4.3)")
    return tuple(number or 0 for number in numbers)


def _mid(mid: str) -> bytes:
    encoded = mid.encode()
    if len(encoded) > _MAX_MID_BYTES:
        raise api.CommandError(f"a mid has at most {_MAX_MID_BYTES} bytes")
    return encoded
