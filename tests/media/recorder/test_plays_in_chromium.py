"""The products in the browser people use: they play, seek, and picture and sound stay together after a gap."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_journals import JournalFolder, Track
from playwright.sync_api import Page, sync_playwright
from ranged_files import RangeHandler

from media.recorder.recording_maker import JournalRecordingMaker

pytestmark = pytest.mark.e2e

# Seeks the picture and reads its blocks and its flash from a canvas.
LOOK = """async ([url, seconds]) => {
  const video = document.createElement('video');
  video.muted = true;
  const ready = new Promise((done, fail) => {
    video.onloadeddata = done;
    video.onerror = () => fail(new Error('video: ' + video.error.message));
  });
  video.src = url;
  await ready;
  const canvas = document.createElement('canvas');
  const look = () => {
    canvas.width = video.videoWidth; canvas.height = video.videoHeight;
    const context = canvas.getContext('2d', {willReadFrequently: true});
    context.drawImage(video, 0, 0);
    const bright = (x, y) => context.getImageData(x * canvas.width, y * canvas.height, 1, 1).data[1] > 128;
    let tenths = 0;
    for (let block = 0; block < 10; block++) if (bright((2 * block + 1) / 20, 7 / 8)) tenths |= 1 << block;
    return {tenths, white: bright(0.5, 0.1), width: video.videoWidth, at: video.currentTime};
  };
  const seen = [];
  for (const second of seconds) {
    const shown = new Promise((done, fail) => {
      video.onseeked = done;
      video.onerror = () => fail(new Error('seek: ' + video.error.message));
    });
    video.currentTime = second;
    await shown;
    seen.push(look());
  }
  video.currentTime = 0;
  video.playbackRate = 4;
  const ended = new Promise((done, fail) => { video.onended = done; video.onerror = () => fail(new Error('play')); });
  await video.play();
  await ended;
  const quality = video.getVideoPlaybackQuality();
  return {seen, duration: video.duration, frames: quality.totalVideoFrames};
}"""

# Decodes the file's whole sound and tells when it sets in.
LISTEN = """async (url) => {
  const data = await (await fetch(url)).arrayBuffer();
  const sound = await new OfflineAudioContext(1, 48000, 48000).decodeAudioData(data);
  const samples = sound.getChannelData(0);
  const begins = [];
  let loud = -48000;
  for (let index = 0; index < samples.length; index++) {
    if (Math.abs(samples[index]) < 0.1) continue;
    if (index - loud > 24000) begins.push(index / 48000);
    loud = index;
  }
  return {begins, duration: sound.duration};
}"""


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        yield browser.new_page()
        browser.close()


@pytest.fixture
def base_url(tmp_path: Path) -> Iterator[str]:
    handler = functools.partial(RangeHandler, folder=tmp_path / "recording")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_a_recording_with_a_reconnect_plays_seeks_and_stays_in_sync(
    journals: JournalFolder, page: Page, base_url: str, codec: str
) -> None:
    # Sound begins a second before the picture; then a reconnect after five seconds, with another size.
    journals.add(Track(codec="opus", source="microphone", seconds=5), ended=False)
    journals.add(Track(codec=codec, begin_s=1), ended=False)
    journals.add(Track(codec="opus", source="microphone", begin_s=10, seconds=5, ssrc=6))
    journals.add(Track(codec=codec, begin_s=10, seconds=5, size=(320, 240), ssrc=5))
    recording = JournalRecordingMaker().make(journals.path, journals.path.parent / "recording", lambda share: None)
    (stream,) = recording.streams
    page.goto(base_url)
    heard = page.evaluate(LISTEN, base_url + stream.file_name)
    assert heard["duration"] == pytest.approx(15, abs=0.1)
    after_gap = heard["begins"][5:]
    assert [round(begin) for begin in after_gap] == [10, 11, 12, 13, 14]
    around = [second for begin in after_gap[1:] for second in (begin - 0.1, begin + 0.1)]
    seconds = [12.55, 3.25, 14.05, 10.5, 1.5, 11.35, 10.25]
    looked = page.evaluate(LOOK, [base_url + stream.file_name, seconds + around])
    assert looked["duration"] == pytest.approx(15, abs=0.1)
    assert looked["frames"] >= 60
    for second, seen in zip(seconds, looked["seen"], strict=False):
        assert seen["at"] == pytest.approx(second, abs=0.01)
        assert abs(seen["tenths"] / 10 - second) <= 0.15, (second, seen)
        assert seen["width"] == (320 if second > 10 else 160)
    # Where the sound sets in after the gap, the picture begins to flash within a tenth of a second.
    assert [seen["white"] for seen in looked["seen"][len(seconds) :]] == [False, True] * 4


def test_a_recording_of_sound_alone_plays_and_seeks(journals: JournalFolder, page: Page, base_url: str) -> None:
    journals.add(Track(codec="opus", source="microphone"), ended=False, torn_bytes=3)
    journals.add(Track(codec="opus", source="microphone", begin_s=8, ssrc=6))
    recording = JournalRecordingMaker().make(journals.path, journals.path.parent / "recording", lambda share: None)
    (stream,) = recording.streams
    page.goto(base_url)
    heard = page.evaluate(LISTEN, base_url + stream.file_name)
    assert heard["begins"] == [pytest.approx(second, abs=0.05) for second in (0, 1, 2, 3, 8, 9, 10, 11)]
    script = """async (url) => {
      const audio = new Audio(url);
      await new Promise((done, fail) => { audio.oncanplay = done; audio.onerror = fail; });
      const sought = new Promise((done) => { audio.onseeked = done; });
      audio.currentTime = 9.5;
      await sought;
      const ended = new Promise((done, fail) => { audio.onended = done; audio.onerror = fail; });
      await audio.play();
      await ended;
      return [audio.duration, audio.currentTime];
    }"""
    assert page.evaluate(script, base_url + stream.file_name) == [pytest.approx(12, abs=0.1)] * 2
