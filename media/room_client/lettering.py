"""Five-by-seven letters for burnt-in names and times; what is not in the Latin alphabet is shown as a small square."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

# One row of seven 5-bit numbers each, top to bottom, in hexadecimal pairs.
_ROWS = {
    "0": "0e11131519110e", "1": "040c040404040e", "2": "0e11010204081f", "3": "1f02040201110e",
    "4": "02060a121f0202", "5": "1f101e0101110e", "6": "0608101e11110e", "7": "1f010204080808",
    "8": "0e11110e11110e", "9": "0e11110f01020c", "A": "0e11111f111111", "B": "1e11111e11111e",
    "C": "0e11101010110e", "D": "1c12111111121c", "E": "1f10101e10101f", "F": "1f10101e101010",
    "G": "0e11101711110f", "H": "1111111f111111", "I": "0e04040404040e", "J": "0702020202120c",
    "K": "11121418141211", "L": "1010101010101f", "M": "111b1515111111", "N": "11111915131111",
    "O": "0e11111111110e", "P": "1e11111e101010", "Q": "0e11111115120d", "R": "1e11111e141211",
    "S": "0f10100e01011e", "T": "1f040404040404", "U": "1111111111110e", "V": "11111111110a04",
    "W": "1111111515150a", "X": "11110a040a1111", "Y": "1111110a040404", "Z": "1f01020408101f",
    ":": "00040400040400", ".": "00000000000c0c", "-": "0000001f000000", "/": "00010204081000",
    "(": "02040808080402", ")": "08040202020408", " ": "00000000000000", "?": "001f1111111f00",
}  # fmt: skip
CELL_WIDTH = 6
CELL_HEIGHT = 7

Mask = npt.NDArray[np.bool_]


@lru_cache(maxsize=512)
def letter(character: str, scale: int) -> Mask:
    """The letter as a mask of 7 x 6 cells, each `scale` pixels wide and high; the sixth column is empty."""
    rows = bytes.fromhex(_ROWS.get(character.upper(), _ROWS["?"]))
    cells = np.array([[row >> bit & 1 for bit in (4, 3, 2, 1, 0)] + [0] for row in rows], bool)
    return np.kron(cells, np.ones((scale, scale), bool)).astype(bool)


def text_mask(text: str, scale: int) -> Mask:
    """A line of text as a mask of shape (7 scale, 6 scale characters)."""
    if not text:
        return np.zeros((CELL_HEIGHT * scale, 0), bool)
    return np.concatenate([letter(character, scale) for character in text], axis=1)
