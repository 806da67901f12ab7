"""What the lead's camera and microphone give: a moving picture and speech-like sound, as files for Chromium."""

import wave
from pathlib import Path

import numpy as np

WIDTH, HEIGHT, FRAMES_PER_S = 1280, 720, 25
PICTURE_S = 4
"The picture repeats after so long, without a jump."
SAMPLES_PER_S = 48_000
SOUND_S = 8


def write_picture(path: Path, seed: int = 1) -> None:
    """A room: a still, textured wall, a person who moves about, a board that is written on, a camera's noise."""
    chance = np.random.default_rng(seed)
    coarse = chance.integers(60, 190, (HEIGHT // 40, WIDTH // 40)).astype(np.float32)
    wall = np.kron(coarse, np.ones((40, 40), np.float32)) + chance.normal(0, 6, (HEIGHT, WIDTH))
    person = chance.integers(40, 220, (380 // 10, 240 // 10)).repeat(10, 0).repeat(10, 1).astype(np.float32)
    noise = [chance.normal(0, 2.0, (HEIGHT, WIDTH)) for _ in range(5)]
    grey = np.full(WIDTH * HEIGHT // 2, 128, np.uint8).tobytes()
    frames = FRAMES_PER_S * PICTURE_S
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FRAMES_PER_S}:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(frames):
            turn = 2 * np.pi * number / frames
            picture = wall + noise[number % len(noise)]
            x, y = int(500 + 320 * np.sin(turn)), int(300 + 40 * np.sin(3 * turn))
            picture[y : y + 380, x : x + 240] = person
            written = int(600 * (0.5 - 0.5 * np.cos(turn)))
            picture[80:140, 100 : 100 + written : 3] = 250
            file.write(b"FRAME\n" + picture.clip(0, 255).astype(np.uint8).tobytes() + grey)


def write_sound(path: Path, seed: int = 2) -> None:
    """A voice that rises and falls, four syllables a second, never quite silent."""
    chance = np.random.default_rng(seed)
    at = np.arange(SAMPLES_PER_S * SOUND_S) / SAMPLES_PER_S
    pitch = 160 + 30 * np.sin(2 * np.pi * at / 2) + 10 * np.sin(2 * np.pi * at * 1.5)
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLES_PER_S
    voice = sum(np.sin(phase * harmonic) / harmonic for harmonic in range(1, 12))
    loudness = 0.25 + 0.75 * np.abs(np.sin(2 * np.pi * 2 * at)) ** 0.7
    sound = 5500 * loudness * voice + chance.normal(0, 60, len(at))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLES_PER_S)
        file.writeframes(sound.clip(-32000, 32000).astype("<i2").tobytes())
