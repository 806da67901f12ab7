"""Growing files in the browser people use: a MediaSource is fed what there is, later the rest, and plays on."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_journals import Track
from playwright.sync_api import Page, sync_playwright
from ranged_files import RangeHandler
from running_journals import RunningLesson

pytestmark = pytest.mark.e2e

LEAD = {"party_id": "user:lead", "role": "lead"}
CODECS = {"vp8": 'video/webm; codecs="vp8,opus"', "h264": 'video/mp4; codecs="avc1.42e01f,opus"'}

# Feeds the file in stretches; after each, the end of what can be played; then seeks and reads the blocks.
WATCH = """async ([url, type, ends, seconds]) => {
  const data = await (await fetch(url)).arrayBuffer();
  const video = document.createElement('video');
  const source = new MediaSource();
  video.muted = true;
  video.src = URL.createObjectURL(source);
  await new Promise((done) => { source.onsourceopen = done; });
  const buffer = source.addSourceBuffer(type);
  const failed = new Promise((_, fail) => {
    video.onerror = () => fail(new Error('video: ' + video.error.message));
  });
  const reached = [];
  let begin = 0;
  for (const end of ends) {
    const taken = new Promise((done) => { buffer.onupdateend = done; });
    buffer.appendBuffer(data.slice(begin, end));
    await Promise.race([taken, failed]);
    reached.push(buffer.buffered.length ? buffer.buffered.end(buffer.buffered.length - 1) : 0);
    begin = end;
  }
  const canvas = document.createElement('canvas');
  const tenths = [];
  for (const second of seconds) {
    const shown = new Promise((done) => { video.onseeked = done; });
    video.currentTime = second;
    await Promise.race([shown, failed]);
    canvas.width = video.videoWidth; canvas.height = video.videoHeight;
    const context = canvas.getContext('2d', {willReadFrequently: true});
    context.drawImage(video, 0, 0);
    let value = 0;
    for (let block = 0; block < 10; block++) {
      const x = (2 * block + 1) / 20 * canvas.width;
      if (context.getImageData(x, 7 / 8 * canvas.height, 1, 1).data[1] > 128) value |= 1 << block;
    }
    tenths.push(value);
  }
  return {reached, tenths};
}"""


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


@pytest.fixture
def base_url(tmp_path: Path) -> Iterator[str]:
    handler = functools.partial(RangeHandler, folder=tmp_path / "output")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_a_running_lesson_plays_as_it_grows_over_a_reconnect(
    tmp_path: Path, page: Page, base_url: str, codec: str
) -> None:
    lesson = RunningLesson(tmp_path)
    lesson.add(Track(codec=codec, seconds=6, **LEAD))
    lesson.add(Track(codec="opus", source="microphone", seconds=6, **LEAD))
    lesson.add(Track(codec=codec, begin_s=8, seconds=6, ssrc=5, size=(320, 240), **LEAD))
    lesson.add(Track(codec="opus", source="microphone", begin_s=8, seconds=6, ssrc=6, **LEAD))
    live = lesson.follow()
    ends = []
    for second in (6, 11, 14):
        lesson.reach(second)
        (stream,) = live.advance().streams
        ends.append(stream.bytes)
    page.goto(base_url)
    seconds = [2.05, 10.05, 4.35, 8.55]
    watched = page.evaluate(WATCH, [base_url + stream.file_name, CODECS[codec], ends, seconds])
    for reached, second in zip(watched["reached"], (6, 11, 14), strict=True):
        assert second - 6 < reached <= second
    for tenths, second in zip(watched["tenths"], seconds, strict=True):
        assert abs(tenths / 10 - second) <= 0.15
    live.close()
