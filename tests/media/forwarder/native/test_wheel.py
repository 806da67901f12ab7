"""The wheel brings its packet core with libcrypto in it: who installs it needs no compiler, no headers, no OpenSSL."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[4]
SENDS_A_PACKET = """
from media.forwarder import api
from media.forwarder.native.forwarder import NativeForwarder
core = NativeForwarder(1.75e9, seed=1)
keys = (bytes(16), bytes(12), bytes(range(16)), bytes(range(12)))
core.command(api.AddPeer(1, api.SrtpProfile.AEAD_AES_128_GCM, *keys, cname="c"), 1.0)
core.command(api.SetPeerAddress(1, ("192.0.2.1", 1)), 1.0)
codec = api.StreamCodec(111, "opus", 48000)
core.command(api.AddStream(1, 1, "audio", "0", (codec,), api.ExtensionIds()), 1.0)
core.receive(bytes.fromhex("806f0001") + bytes(60), ("192.0.2.1", 1), 1.0)
print(core.statistics().dropped)
"""


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_installed_wheel_needs_neither_compiler_nor_openssl(tmp_path):
    sources, wheels, installed = tmp_path / "sources", tmp_path / "wheels", tmp_path / "installed"
    built = shutil.ignore_patterns("*.so", "core.c", "__pycache__", "web_app")
    for folder in ("media", "service", "scheduler"):
        shutil.copytree(REPOSITORY / folder, sources / folder, ignore=built)
    for file in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / file, sources)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), str(sources)]
    subprocess.run(build, check=True, env={**os.environ, "LIBCRYPTO": "static"}, capture_output=True)
    (wheel,) = wheels.glob("*.whl")
    install = [*pip, "install", "--no-deps", "--no-index", "--target", str(installed), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    (core,) = (installed / "media/forwarder/native").glob("core.*.so")
    needed = subprocess.run(["ldd", core], check=True, capture_output=True, text=True).stdout
    assert "libcrypto" not in needed
    assert "libc.so" in needed
    alone = {"PATH": "/nowhere", "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-c", SENDS_A_PACKET], cwd=tmp_path, env=alone, check=True, capture_output=True, text=True
    )
    assert done.stdout == "{'auth_failed': 1}\n"
