"""The scan of dependencies: what the databases know ends it, a database that is away is said."""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCK = "jinja2==2.4.1 \\\n    --hash=sha256:" + "0" * 64 + "\nidna==3.10 \\\n    --hash=sha256:" + "1" * 64 + "\n"
PACKAGE = {"name": "lesson", "version": "1.0.0", "lockfileVersion": 3}
KNOWN = {"id": "GHSA-aaaa", "modified": "2024-01-01T00:00:00Z", "published": "2024-01-01T00:00:00Z", "summary": "bad"}
ADVISORY = {
    "id": 1,
    "url": "http://127.0.0.1/1",
    "title": "bad",
    "severity": "high",
    "vulnerable_versions": "<1.2.6",
    "cwe": [],
    "cvss": {"score": 9.8, "vectorString": None},
}


class Databases(BaseHTTPRequestHandler):
    """OSV's query and npm's bulk advisories (and what else npm asks), knowing about jinja2 and minimist."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/query":
            package = json.loads(body)["package"]["name"]
            fixed = {"package": {"name": package, "ecosystem": "PyPI"}, "ranges": [], "versions": ["2.4.1"]}
            self._answer({"vulns": [KNOWN | {"affected": [fixed]}]} if package == "jinja2" else {})
        elif self.path.endswith("/advisories/bulk"):
            self._answer({"minimist": [ADVISORY]})
        else:
            self._answer({})

    def do_GET(self) -> None:
        self._answer({"name": "minimist", "versions": {"0.0.8": {"name": "minimist", "version": "0.0.8"}}})

    def _answer(self, what: object) -> None:
        body = json.dumps(what).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def databases():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Databases)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def scan(folder: Path, databases: str, *options: str) -> subprocess.CompletedProcess[str]:
    packages = {"": PACKAGE | {"dependencies": {"minimist": "0.0.8"}}, "node_modules/minimist": {"version": "0.0.8"}}
    (folder / "package.json").write_text(json.dumps(PACKAGE | {"dependencies": {"minimist": "0.0.8"}}))
    (folder / "package-lock.json").write_text(json.dumps(PACKAGE | {"packages": packages}))
    (folder / "requirements.lock").write_text(LOCK)
    command = [sys.executable, str(ROOT / "deploy/check-dependencies"), "--osv-url", f"{databases}/v1/query", *options]
    return subprocess.run(
        [*command, "--lock", str(folder / "requirements.lock"), "--web", str(folder)],
        env=os.environ | {"npm_config_registry": databases},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )


def test_known_vulnerabilities_of_both_kinds_end_it_and_are_named(tmp_path, databases):
    done = scan(tmp_path, databases)
    assert done.returncode == 1
    assert "jinja2 2.4.1: GHSA-aaaa" in done.stderr
    assert "minimist *: high" in done.stderr
    assert "idna" not in done.stderr


def test_a_database_that_does_not_answer_is_said_and_fails_only_where_it_is_required(tmp_path):
    nowhere = "http://127.0.0.1:1"
    lenient, strict = scan(tmp_path, nowhere), scan(tmp_path, nowhere, "--required")
    assert lenient.returncode == 0
    assert lenient.stderr.count("NOT CHECKED") == 2
    assert strict.returncode == 1
