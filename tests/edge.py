"""The edge of a deployment as `deploy/edge` describes it: a real nginx and a real coturn, with a certificate of a CA
that only the tests' browser trusts."""

import datetime
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

FILES = Path(__file__).parents[1] / "deploy" / "edge"
PAGES_NAME, TURN_NAME = "pages.county.test", "turn.county.test"
READY_WITHIN_S = 10.0


@dataclass(frozen=True)
class Edge:
    """Addresses of a running edge; `authority` is its CA's certificate."""

    address: str
    authority: Path
    folder: Path

    @property
    def turn_url(self) -> str:
        """TURN over TLS on port 443."""
        return f"turns:{TURN_NAME}:443?transport=tcp"


@contextmanager
def running_edge(
    folder: Path, address: str, http_ports: Sequence[int], turn_secret: str | None = None
) -> Iterator[Edge]:
    """Start nginx before replicas at these ports, and with a secret coturn, from the files of `deploy/edge`."""
    authority, certificate, key = make_certificates(folder)
    ports = {name: str(free_port()) for name in ("PAGES_TLS_PORT", "TURN_TLS_PORT", "TURN_HOP_PORT")}
    values = ports | {
        "EDGE_ADDRESS": address, "TURN_ADDRESS": address, "RELAY_ADDRESS": address,
        "PAGES_SERVERS": " ".join(f"server 127.0.0.1:{port};" for port in http_ports),
        "PAGES_NAME": PAGES_NAME, "TURN_NAME": TURN_NAME, "TURN_SECRET": turn_secret or "",
        "CERTIFICATE_FILE": str(certificate), "KEY_FILE": str(key),
    }  # fmt: skip
    nginx = filled(folder, "nginx.conf", values)
    commands = [["nginx", "-p", str(folder), "-c", str(nginx), "-g", f"daemon off; pid {folder}/nginx.pid;"]]
    if turn_secret is not None:
        own = ["--pidfile", str(folder / "turn.pid"), "--userdb", str(folder / "turn.db")]
        commands.append(["turnserver", "-c", str(filled(folder, "turnserver.conf", values)), *own])
    started = [_start(command, folder / f"{command[0]}.log") for command in commands]
    try:
        _await_listener(address, 443, folder)
        if turn_secret is not None:
            _await_listener("127.0.0.1", int(ports["TURN_TLS_PORT"]), folder)
        yield Edge(address, authority, folder)
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


def filled(folder: Path, name: str, values: dict[str, str]) -> Path:
    """A file of `deploy/edge` with every word in capitals replaced, as the deployment itself does it."""
    path = folder / name
    environment = {"PATH": os.environ["PATH"]} | values
    with path.open("wb") as out:
        subprocess.run([FILES / "fill", FILES / name], env=environment, stdout=out, check=True)
    return path


def make_certificates(folder: Path) -> tuple[Path, Path, Path]:
    """A CA, and a certificate of it with its key for both names of the edge; files in PEM."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "County test CA")])
    root = _certificate(authority, authority, authority_key, authority_key, ca=True)
    server = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, PAGES_NAME)])
    leaf = _certificate(server, authority, key, authority_key, ca=False)
    paths = folder / "authority.pem", folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(root.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    unencrypted = serialization.NoEncryption()
    paths[2].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, unencrypted))
    return paths


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    ca: bool,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if not ca:
        names = x509.SubjectAlternativeName([x509.DNSName(PAGES_NAME), x509.DNSName(TURN_NAME)])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signer, hashes.SHA256())


def free_port() -> int:
    """A TCP port on loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    program = shutil.which(command[0], path=f"{os.environ['PATH']}:/usr/sbin") or command[0]
    with log.open("ab") as output:
        return subprocess.Popen([program, *command[1:]], stdout=output, stderr=subprocess.STDOUT)


def _await_listener(address: str, port: int, folder: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            socket.create_connection((address, port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                logs = "\n".join(file.read_text(errors="replace")[-2000:] for file in folder.glob("*.log"))
                raise TimeoutError(f"nobody listens on {address}:{port}; the edge said:\n{logs}") from None
            time.sleep(0.05)
