"""Pixel ranges: the values of black and white."""

from __future__ import annotations

from typing import Any

import numpy as np

NO_RANGE = (0.0, 1.0)


def find_pixel_range(pictures: np.ndarray) -> tuple[float, float]:
    """Infers the values of black and white from pictures.

    Args:
        pictures: float array of any shape, some pictures.

    Returns:
        Pair of floats: the first of (0, 1), (−1, 1) and (0, 255) that contains all but
        2% of the numbers, with a tolerance of 0.05 for (0, 1) and of 0.1 for the
        others; otherwise the smallest and the largest number.
    """
    for black, white in ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)):
        slack = 0.05 * min(white - black, 2.0)
        out = (pictures < black - slack) | (pictures > white + slack)
        if out.mean() <= 0.02:
            return black, white
    low, high = float(pictures.min()), float(pictures.max())
    return (low, high) if np.isfinite(high - low) and low < high else NO_RANGE


def rescale(values: Any, old: tuple[float, float], new: tuple[float, float]) -> Any:
    """Scales numbers from one range of black and white to another.

    Args:
        values: float array or tensor of any shape.
        old: pair of floats, the present values of black and white.
        new: pair of floats, the new values of black and white.

    Returns:
        Array or tensor of the same shape, `values` itself if the ranges are equal.
    """
    if tuple(old) == tuple(new):
        return values
    return (values - old[0]) * ((new[1] - new[0]) / (old[1] - old[0])) + new[0]
