"""About how many letters a picture shows, without reading it: by counting its separate pieces of ink."""

from PIL import Image, ImageFilter

SIDE = 1600
"""Pixels of the longer side, at which neighbouring letters of a usual page are apart."""

_DARKER = 35
"""Than what is around it, of 255: so much is ink."""

_AROUND = 12
_PIECES_A_LETTER = 0.7
"""Holes count against a piece, and some letters touch."""


def letters_in(image: Image.Image) -> int:
    """Too few or too many by up to a factor of 2; white space is not counted."""
    import numpy as np

    grey = image.convert("L")
    blurred = grey.filter(ImageFilter.BoxBlur(_AROUND))
    ink = np.asarray(grey, np.int16) < np.asarray(blurred, np.int16) - _DARKER
    framed = np.pad(ink, 1)
    a, b, c, d = framed[:-1, :-1], framed[1:, :-1], framed[:-1, 1:], framed[1:, 1:]
    filled = a.astype(np.uint8) + b + c + d
    crossed = (a == d) & (b == c) & (a != b)
    # The number of pieces less that of holes, told by all windows of two by two pixels (Gray's formula).
    pieces = (int((filled == 1).sum()) - int((filled == 3).sum()) - 2 * int(crossed.sum())) / 4
    return max(0, round(pieces / _PIECES_A_LETTER))
