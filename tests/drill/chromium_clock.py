"""Plays files in Chromium and reads the clock burnt into what it really shows."""

import functools
import http.server
import threading
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright
from ranged_files import RangeHandler

from media.room_client.block_clock import read_clock

WIDTH, HEIGHT = 448, 252

LOOK = """async ([url, seconds, width, height]) => {
  const video = document.createElement('video');
  video.muted = true;
  const ready = new Promise((done, fail) => {
    video.onloadeddata = done;
    video.onerror = () => fail(new Error('video: ' + video.error.message));
  });
  video.src = url;
  await ready;
  const canvas = document.createElement('canvas');
  canvas.width = width; canvas.height = height;
  const context = canvas.getContext('2d', {willReadFrequently: true});
  const seen = [];
  for (const second of seconds) {
    const shown = new Promise((done, fail) => {
      video.onseeked = done;
      video.onerror = () => fail(new Error('seek: ' + video.error.message));
    });
    video.currentTime = second;
    await shown;
    context.drawImage(video, 0, 0, width, height);
    const pixels = context.getImageData(0, 0, width, height).data;
    seen.push(Array.from({length: width * height}, (_, index) => pixels[4 * index + 1]));
  }
  return seen;
}"""

PLAY = """async (url) => {
  const video = document.createElement('video');
  video.muted = true;
  video.src = url;
  const ended = new Promise((done, fail) => {
    video.onended = done;
    video.onerror = () => fail(new Error('play: ' + video.error.message));
  });
  video.playbackRate = 16;  // as fast as Chromium goes
  await video.play();
  await ended;
  return video.currentTime;
}"""


class ChromiumPlayer:
    """A browser that is given files by range, as the service gives them."""

    def __init__(self, folder: Path) -> None:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(RangeHandler, folder=folder))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._url = f"http://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self) -> "ChromiumPlayer":
        """Start server and browser."""
        self._thread.start()
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        self._page = self._browser.new_page()
        self._page.goto(self._url)
        return self

    def __exit__(self, *_: Any) -> None:
        """Stop both."""
        self._browser.close()
        self._playwright.stop()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def clocks(self, name: str, seconds: list[float]) -> list[float]:
        """The clock (Unix seconds) in the picture shown at each of these seconds of the file; 0.0 if unreadable."""
        seen = self._page.evaluate(LOOK, [self._url + name, seconds, WIDTH, HEIGHT])
        lumas = [np.array(pixels, np.uint8).reshape(HEIGHT, WIDTH) for pixels in seen]
        return [(read_clock(luma) or 0) / 1000 for luma in lumas]

    def plays_to_its_end(self, name: str) -> float:
        """Play all of it, fast; where it ended, in seconds."""
        return float(self._page.evaluate(PLAY, self._url + name))
