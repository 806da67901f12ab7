"""The machine itself: room on the disk, the ports, the socket buffers, the addresses offered for media, the clock."""

import secrets
import select
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

from media.relay.udp import BUFFER_BYTES, UdpPort
from service.bootstrap import addresses_of_this_machine
from service.configuration import Configuration
from service.preflight.findings import Finding, failure, good, warning

MIB = 1024 * 1024
ECHO_WITHIN_S = 1.0
ALL_ADDRESSES = ("::",)


def check_data_folder(configuration: Configuration) -> Iterator[Finding]:
    """Whether the data folder can be written, and how much a lesson may still fill."""
    subject, folder = "data folder", configuration.data_folder
    nearest = _nearest_existing(folder)
    try:
        with tempfile.NamedTemporaryFile(dir=nearest) as probe:
            probe.write(b"written by three-classrooms check")
            probe.flush()
    except OSError as error:
        yield failure(subject, f"{folder} cannot be written ({error.strerror})", "give it to the service's user")
        return
    free_mb = shutil.disk_usage(nearest).free // MIB
    text = f"{folder} can be written; {free_mb:,} MiB are free"
    if free_mb < configuration.recording_all_free_mb:
        yield failure(subject, text, "nothing would be recorded: free some space or choose another folder")
    elif free_mb < configuration.recording_warn_free_mb:
        yield warning(
            subject, text, f"operators are warned below {configuration.recording_warn_free_mb:,} MiB: free some space"
        )
    else:
        yield good(subject, text)


def check_tcp_port(configuration: Configuration) -> Iterator[Finding]:
    """Whether the HTTP port is free."""
    subject, where = "TCP port", f"{configuration.host}:{configuration.port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            configuration.host, configuration.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        yield _port_in_use(subject, where, error)
    else:
        yield good(subject, f"{where} is free")


def check_udp_port(configuration: Configuration) -> Iterator[Finding]:
    """Whether the media port is free, its buffers are wide enough, and a datagram comes in at every address offered."""
    media = UdpPort()
    try:
        media.open(ALL_ADDRESSES, configuration.udp_port)
    except OSError as error:
        yield _port_in_use("UDP port", f"UDP {configuration.udp_port}", error)
        return
    try:
        yield good("UDP port", f"UDP {media.port} is free")
        yield _buffers(media)
        for address in configuration.announced_addresses or addresses_of_this_machine():
            yield _reached(media, address)
    finally:
        media.close()


def check_clock(_configuration: Configuration) -> Iterator[Finding]:
    """Whether this machine's clock follows a time server, as far as the system tells."""
    subject = "clock"
    timedatectl = shutil.which("timedatectl")
    if timedatectl is None:
        yield warning(subject, "this system does not tell whether its clock is kept right", "run chrony or timesyncd")
        return
    command = [timedatectl, "show", "--property=NTPSynchronized", "--value"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False).stdout.strip()  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        told = ""
    if told == "yes":
        yield good(subject, "follows a time server")
    else:
        word = "does not follow a time server" if told == "no" else "may not follow a time server"
        yield warning(subject, f"this machine's clock {word}", "run chrony or timesyncd: lessons start by the clock")


def _nearest_existing(folder: Path) -> Path:
    path = folder.absolute()
    while not path.exists():
        path = path.parent
    return path


def _port_in_use(subject: str, where: str, error: OSError) -> Finding:
    remedy = "fine if it is this product that runs; otherwise stop what uses it or choose another"
    return warning(subject, f"{where} cannot be opened ({error.strerror or error})", remedy)


def _buffers(media: UdpPort) -> Finding:
    # The kernel doubles what it grants, for its own bookkeeping (socket(7)).
    granted = min(bound.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) for bound in media.sockets) // 2
    text = f"{granted // 1024:,} KiB of the {BUFFER_BYTES // 1024:,} KiB wanted"
    if granted >= BUFFER_BYTES:
        return good("socket buffers", text)
    remedy = f"sysctl -w net.core.rmem_max={BUFFER_BYTES} net.core.wmem_max={BUFFER_BYTES}"
    return warning("socket buffers", f"{text}; packets of many lessons at once would be lost", remedy)


def _reached(media: UdpPort, address: str) -> Finding:
    """A datagram sent to the address from this machine; one that a router outside translates cannot be tried here."""
    subject = "media address"
    try:
        version = ip_address(address).version
    except ValueError:
        return failure(subject, f"{address} is no IP address", "correct ANNOUNCED_ADDRESSES")
    if address not in addresses_of_this_machine():
        return warning(
            subject,
            f"{address} is not of this machine",
            f"see that UDP {media.port} sent to it is passed on here, and run the connection test from a classroom",
        )
    if _comes_in(media, address, socket.AF_INET if version == 4 else socket.AF_INET6):
        return good(subject, f"a datagram to {address} comes in")
    remedy = f"let UDP {media.port} through this machine's firewall"
    return failure(subject, f"a datagram to {address} does not come in", remedy)


def _comes_in(media: UdpPort, address: str, family: socket.AddressFamily) -> bool:
    token = secrets.token_bytes(16)
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.sendto(token, (address, media.port))
    except OSError:
        return False
    deadline = time.monotonic() + ECHO_WITHIN_S
    while (left := deadline - time.monotonic()) > 0:
        for bound in select.select(media.sockets, [], [], left)[0]:
            if bound.recv(64) == token:
                return True
    return False
