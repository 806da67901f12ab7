"""All clients of a load on one UDP socket: the C loop that sends and counts, and a way for STUN and DTLS around it."""

import asyncio
import ctypes
import itertools
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from benchmarks.forward.loads import Load
from benchmarks.forward.native_library import DELAY_BUCKETS, SESSION_BYTES, Counters, library
from benchmarks.forward.network import Network

Address = tuple[str, int]

_IP_PKTINFO = 8
"From linux/in.h; Python 3.11 does not name it."
_UDP_GRO = 104
_SO_TIMESTAMPNS = 35
"From asm-generic/socket.h."
_SO_RCVBUFFORCE = 33
_SO_SNDBUFFORCE = 32
BUFFER_BYTES = 256 << 20
CONTROL_POLL_S = 0.05
"Seldom: while Python has the core, the C loop has not."
_SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class Delays:
    """One-way delay of the sampled packets, in milliseconds."""

    p50_ms: float
    p99_ms: float
    samples: int


class Generator:
    """`on_control(leg, datagram)`, once set, gets what is neither RTP nor RTCP, before, during and after runs."""

    def __init__(self, load: Load, network: Network) -> None:
        self.load = load
        self.network = network
        self.on_control: Callable[[int, bytes], None] = lambda _leg, _data: None
        self._library = library()
        self._socket = _open_socket()
        self.port: int = self._socket.getsockname()[1]
        legs = 2 * len(load.parties)
        self._handle = self._library.generator_new(
            self._socket.fileno(), legs, len(load.streams), network.first_client_number
        )
        for number, stream in enumerate(load.streams):
            self._library.generator_set_stream(
                self._handle,
                number,
                stream.party.publishing_leg,
                stream.video,
                stream.fps,
                stream.packets_per_s,
                stream.packet_bytes,
                stream.payload_type,
                stream.fanout,
                stream.ssrc,
                stream.phase_ns,
            )
        self.running = False
        "Whether the C loop has the socket; it sends the checks then."
        self._kept: list[tuple[Any, ...]] = []
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._read)

    def set_leg(self, leg: int, remote: Address, sealed: bytes, opened: bytes) -> None:
        """Give a leg the server's address and its session keys: of what it sends, of what it receives."""
        if len(sealed) != SESSION_BYTES or len(opened) != SESSION_BYTES:
            raise ValueError(f"session keys have {SESSION_BYTES} bytes")
        ip = int.from_bytes(socket.inet_aton(remote[0]))
        if not self._library.generator_set_leg(self._handle, leg, ip, remote[1], sealed, opened):
            raise RuntimeError("libcrypto refused the keys")

    def set_check(self, leg: int, check: bytes) -> None:
        """Give a leg the connectivity check that it sends every five seconds of a run; answers to it are counted."""
        if not self._library.generator_set_check(self._handle, leg, check, len(check)):
            raise ValueError("no connectivity check is so long")

    def set_media(self, *, video: bool, frames: Sequence[Sequence[bytes]]) -> None:
        """Let all streams of a kind repeat these frames of real payloads; delays cannot be told from them."""
        payloads = [payload for frame in frames for payload in frame]
        lengths = [len(payload) for payload in payloads]
        at = list(itertools.accumulate(lengths, initial=0))[:-1]
        firsts = list(itertools.accumulate((len(frame) for frame in frames), initial=0))
        arrays = (
            b"".join(payloads),
            (ctypes.c_int64 * len(at))(*at),
            (ctypes.c_int * len(lengths))(*lengths),
            (ctypes.c_int * len(firsts))(*firsts),
        )
        self._kept.append(arrays)
        self._library.generator_set_media(self._handle, video, *arrays, len(frames))

    def send(self, leg: int, data: bytes, remote: Address) -> None:
        """Send one datagram as a leg; what the kernel does not take is lost."""
        source = struct.pack("=i4s4s", 0, socket.inet_aton(self.network.client_ip(leg)), bytes(4))
        try:
            self._socket.sendmsg([data], [(socket.IPPROTO_IP, _IP_PKTINFO, source)], 0, remote)
        except OSError:
            return

    async def run(self, seconds: float, lessons: int, window: int = 0) -> None:
        """Run the first `lessons` lessons (0: only receive). `window` > 0: as fast as the server forwards."""
        self._loop.remove_reader(self._socket)
        self.running = True
        streams = lessons * self.load.streams_per_lesson
        duration_ns = round(seconds * _SECOND_NS)
        work = self._loop.run_in_executor(None, self._library.generator_run, self._handle, duration_ns, streams, window)
        try:
            while not work.done():
                self._take_control()
                await asyncio.wait([work], timeout=CONTROL_POLL_S)
        finally:
            if not work.done():
                self._library.generator_stop(self._handle)
            await work
            self.running = False
            self._take_control()
            self._loop.add_reader(self._socket, self._read)

    def reset(self, sample_every: int) -> None:
        """Begin to count anew, looking into every n-th packet."""
        self._library.generator_reset_counters(self._handle, sample_every)

    def counters(self) -> Counters:
        """A copy of the counters."""
        return Counters.from_buffer_copy(self._library.generator_counters(self._handle).contents)

    def leg_packets(self, leg: int) -> int:
        """RTP packets a leg received since the reset."""
        return int(self._library.generator_leg_packets(self._handle, leg))

    def delays(self) -> Delays:
        """Percentiles of the one-way delay since the reset; NaN without samples."""
        counts = np.ctypeslib.as_array(self._library.generator_delays(self._handle), (DELAY_BUCKETS,))
        running = np.cumsum(counts, dtype=np.int64)
        samples = int(running[-1])
        if not samples:
            return Delays(float("nan"), float("nan"), 0)
        p50, p99 = (float(np.searchsorted(running, share * samples)) / 1000 for share in (0.5, 0.99))
        return Delays(p50, p99, samples)

    def close(self) -> None:
        """Free everything."""
        self._loop.remove_reader(self._socket)
        self._socket.close()
        self._library.generator_free(self._handle)

    def _read(self) -> None:
        for _ in range(256):
            try:
                data, ancillary, _flags, _sender = self._socket.recvmsg(65536, 256)
            except BlockingIOError:
                return
            except OSError:
                continue
            leg = self._leg_of(ancillary)
            if leg is not None and data and not 128 <= data[0] < 192:
                self.on_control(leg, data)

    def _leg_of(self, ancillary: list[tuple[int, int, bytes]]) -> int | None:
        for level, kind, data in ancillary:
            if level == socket.IPPROTO_IP and kind == _IP_PKTINFO:
                return int.from_bytes(data[8:12]) - self.network.first_client_number
        return None

    def _take_control(self) -> None:
        buffer, leg = ctypes.create_string_buffer(2048), ctypes.c_int()
        while length := self._library.generator_take_control(self._handle, buffer, ctypes.byref(leg)):
            self.on_control(leg.value, buffer.raw[:length])


def _open_socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    for option, forced in ((socket.SO_RCVBUF, _SO_RCVBUFFORCE), (socket.SO_SNDBUF, _SO_SNDBUFFORCE)):
        try:
            made.setsockopt(socket.SOL_SOCKET, forced, BUFFER_BYTES)
        except PermissionError:
            made.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
    made.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
    made.setsockopt(socket.IPPROTO_UDP, _UDP_GRO, 1)
    made.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    made.bind(("0.0.0.0", 0))
    return made
