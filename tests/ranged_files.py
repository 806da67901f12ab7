"""A folder of files over HTTP with byte ranges, as the service gives them: without ranges a browser cannot seek."""

import http.server
from pathlib import Path
from typing import Any


class RangeHandler(http.server.BaseHTTPRequestHandler):
    """Serves the files of one folder; every other address is an empty page."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments: Any, folder: Path) -> None:
        self.folder = folder
        super().__init__(*arguments)

    def do_GET(self) -> None:
        path = self.folder / Path(self.path).name
        if not path.is_file():
            body, first = b"<!doctype html>", 0
        else:
            body = path.read_bytes()
            first = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        self.send_response(206 if "Range" in self.headers else 200)
        kind = {".mp4": "video/mp4", ".webm": "video/webm"}.get(path.suffix, "text/html")
        self.send_header("Content-Type", kind)
        self.send_header("Accept-Ranges", "bytes")
        if "Range" in self.headers:
            self.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - first))
        self.end_headers()
        self.wfile.write(body[first:])

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""
