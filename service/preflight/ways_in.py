"""The ways from outside to the deployment: the public address with its certificate, and TURN over UDP, TCP and TLS.

Nothing else outside is asked: the product needs no host that is not in its own settings.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
from aioice.stun import TransactionError
from aioice.turn import create_turn_endpoint

from service.configuration import Configuration
from service.live.turn import TurnServer
from service.preflight.findings import Finding, failure, good, warning

WITHIN_S = 8.0
SOON_DAYS = 21
TURN_PORT, TURNS_PORT = 3478, 5349


def check_public_address(configuration: Configuration) -> Iterator[Finding]:
    """Whether the address people type is https, its certificate holds, and the product answers behind it."""
    subject, url = "public address", configuration.public_url
    if url is None:
        yield warning(
            subject,
            "none is set: only browsers on this machine itself will give their camera",
            "put a proxy with TLS in front and set PUBLIC_URL (deploy/README.md)",
        )
        return
    parts = urlsplit(url)
    if parts.hostname is None or parts.scheme not in {"http", "https"}:
        yield failure(subject, f"{url} is no address", "correct PUBLIC_URL: https://pages.county.example")
        return
    if parts.scheme == "http":
        yield failure(subject, f"{url} is not https: browsers will not give the camera", "put TLS in front of it")
    else:
        yield from _certificate(parts.hostname, parts.port or 443)
    try:
        health = httpx.get(f"{url.rstrip('/')}/api/health", timeout=WITHIN_S)
    except httpx.HTTPError as error:
        yield warning(subject, f"{url} does not answer ({_reason(error)})", "fine before the first start")
        return
    if health.headers.get("content-type", "").startswith("application/json") and "status" in health.json():
        yield good(subject, f"the product answers at {url}")
    else:
        yield failure(subject, f"something else answers at {url}", "correct the proxy: it must pass everything on")


def check_turn(configuration: Configuration) -> Iterator[Finding]:
    """Whether every TURN address gives an allocation for credentials of the kind classrooms get."""
    if not configuration.turn_urls:
        yield warning("TURN", "none is set: schools that let only port 443 through cannot join", "see deploy/README.md")
        return
    server = TurnServer(configuration.turn_urls, configuration.turn_shared_secret or "")
    [ice] = server.ice_for("check", datetime.now(UTC))["ice_servers"]
    for url in configuration.turn_urls:
        yield asyncio.run(_allocate(TurnAddress.of(url), ice["username"], ice["credential"]))


@dataclass(frozen=True)
class TurnAddress:
    """A `turn:` or `turns:` URI, taken apart (RFC 7065, section 3.1)."""

    url: str
    host: str
    port: int
    transport: str
    tls: bool

    @classmethod
    def of(cls, url: str) -> "TurnAddress":
        """Take apart what the configuration has accepted."""
        scheme, _, rest = url.partition(":")
        place, _, query = rest.partition("?")
        parts = urlsplit(f"//{place}")
        tls = scheme == "turns"
        transport = query.removeprefix("transport=") or ("tcp" if tls else "udp")
        return cls(url, parts.hostname or "", parts.port or (TURNS_PORT if tls else TURN_PORT), transport, tls)


async def _allocate(address: TurnAddress, username: str, password: str) -> Finding:
    subject = "TURN"
    try:
        async with asyncio.timeout(WITHIN_S):
            found = await asyncio.get_running_loop().getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
            transport, _protocol = await create_turn_endpoint(
                asyncio.DatagramProtocol,
                # By name for TLS, whose certificate names the host; by number for UDP, whose answers come from it.
                (address.host if address.tls else str(found[0][4][0]), address.port),
                username=username,
                password=password,
                ssl=ssl.create_default_context() if address.tls else None,
                transport=address.transport,
            )
    except TransactionError as error:
        remedy = "give coturn and TURN_SECRET the same secret, and see that both clocks are right"
        return failure(subject, f"{address.url} refuses our credentials ({error})", remedy)
    except ssl.SSLError as error:
        return failure(subject, f"{address.url}: its certificate is not accepted ({error.reason})", "renew it")
    except (OSError, TimeoutError) as error:
        return failure(subject, f"{address.url} does not answer ({_reason(error)})", "start coturn, or open its port")
    transport.close()
    return good(subject, f"{address.url} gives an allocation")


def _certificate(host: str, port: int) -> Iterator[Finding]:
    subject = "certificate"
    try:
        with (
            socket.create_connection((host, port), timeout=WITHIN_S) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=host) as secured,
        ):
            told = secured.getpeercert() or {}
    except ssl.SSLError as error:
        yield failure(subject, f"of {host} is not accepted by browsers ({error.reason})", "renew or correct it")
        return
    except OSError:
        return  # that nothing answers is said by the public address itself
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(told["notAfter"])), UTC)
    days = (until - datetime.now(UTC)).days
    text = f"of {host} holds until {until:%Y-%m-%d}"
    yield good(subject, text) if days > SOON_DAYS else warning(subject, text, f"renew it within {days} days")


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
