"""The native packet core behind the forwarder's seam: commands and events as dataclasses, datagrams as bytes."""

from media.forwarder import api
from media.forwarder.native.address import pack, unpack
from media.forwarder.native.commands import Commands
from media.forwarder.native.core import Core
from media.forwarder.native.records import decode_events, decode_statistics, microseconds


class NativeForwarder:
    """Implements `media.forwarder.api.Forwarder` on the Cython core, without a socket."""

    def __init__(self, wall_minus_monotonic: float, seed: int | None = None) -> None:
        """`wall_minus_monotonic`: Unix time minus `now`, in seconds; `seed` makes the first numbers repeatable."""
        self._core = Core(wall_minus_monotonic, seed=seed)
        self._commands = Commands(self._core)

    def command(self, command: api.Command, now: float) -> None:
        """Obey a command. Raises CommandError if it makes no sense; the state is then unchanged."""
        self._commands.obey(command, microseconds(now))

    def receive(self, data: bytes, address: api.Address, now: float) -> None:
        """Take one RTP or RTCP datagram."""
        self._core.receive([(data, pack(address))], microseconds(now))

    def tick(self, now: float) -> None:
        """Do what is due by time."""
        self._core.tick(microseconds(now))

    def outgoing(self) -> list[tuple[bytes, api.Address]]:
        """Take the sealed datagrams to send."""
        return [(data, unpack(address)) for data, address in self._core.take_outgoing()]

    def events(self) -> list[api.Event]:
        """Take the events."""
        return decode_events(self._core.take_events())

    def statistics(self) -> api.Statistics:
        """Read all counters."""
        streams, sinks = self._core.places()
        core = self._core
        return decode_statistics(core.read_streams(0, streams), core.read_sinks(0, sinks), core.read_drops())
