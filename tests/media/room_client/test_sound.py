import numpy as np
from av import AudioFrame, CodecContext, Packet

from media.room_client.sound import LOOP_S, encoded_melody, melody


def test_the_melody_is_soft_changes_and_is_the_rooms_own() -> None:
    samples = melody("room one").astype(float) / 32768
    assert samples.shape == (LOOP_S * 48_000,)
    assert 0.05 < np.abs(samples).max() < 0.2
    pitches = {int(np.abs(np.fft.rfft(note)).argmax()) for note in samples.reshape(-1, 24_000) if note.any()}
    assert len(pitches) >= 4
    assert not np.array_equal(melody("room one"), melody("room two"))
    assert np.array_equal(melody("room one"), melody("room one"))


def test_the_encoded_melody_decodes_to_as_much_sound() -> None:
    packets = encoded_melody("room one")
    assert LOOP_S * 50 <= len(packets) <= LOOP_S * 50 + 2
    decoder = CodecContext.create("libopus", "r")
    energy = 0.0
    for data in packets:
        for frame in decoder.decode(Packet(data)):
            assert isinstance(frame, AudioFrame)
            energy += float((frame.to_ndarray().astype(float) ** 2).mean())
    assert energy > 0
    assert sum(map(len, packets)) * 8 / LOOP_S < 40_000
