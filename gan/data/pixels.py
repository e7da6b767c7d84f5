"""What black and white are in numbers: found by looking, and brought elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np

NO_RANGE = (0.0, 1.0)


def find_pixel_range(pictures: np.ndarray) -> tuple[float, float]:
    """The numbers that mean black and white in pictures, found by looking at them.

    Args:
        pictures: float array of any shape, some pictures.

    Returns:
        Pair of floats: the first of (0, 1), (−1, 1) and (0, 255) that holds all but 2%
        of the numbers, where those up to .05 beyond (0, 1) and up to .1 beyond the
        others count as within; else the least and the greatest of the numbers.
    """
    for black, white in ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)):
        slack = 0.05 * min(white - black, 2.0)
        out = (pictures < black - slack) | (pictures > white + slack)
        if out.mean() <= 0.02:
            return black, white
    low, high = float(pictures.min()), float(pictures.max())
    return (low, high) if np.isfinite(high - low) and low < high else NO_RANGE


def rescale(values: Any, old: tuple[float, float], new: tuple[float, float]) -> Any:
    """Bring numbers from one range of black and white to another.

    Args:
        values: array or tensor of any shape.
        old: pair of floats, what black and white are in `values`.
        new: pair of floats, what they become.

    Returns:
        Array or tensor of that shape, `values` itself where the ranges are the same.
    """
    if tuple(old) == tuple(new):
        return values
    return (values - old[0]) * ((new[1] - new[0]) / (old[1] - old[0])) + new[0]
