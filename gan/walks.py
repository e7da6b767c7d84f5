"""Paths through latent space: arrays of latents, one for each frame.

A latent from N(0, I) in d dimensions has a length near √d, so it lies near the sphere
of this radius. Latents far from this sphere hardly ever occurred in training; `circle`
and `star` stay on it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gan.errors import expect_array, expect_positive_int, require


def segment(start: npt.ArrayLike, end: npt.ArrayLike, count: int = 20) -> np.ndarray:
    """Makes a straight path from one latent to another.

    Args:
        start, end: float arrays `(dim,)`.
        count: int, number of latents, including both ends.

    Returns:
        float array `(count, dim)`.

    Formula:
        (1 − t) · start + t · end, t = 0, 1/(count − 1), …, 1
    """
    start, end = _latents(start=start, end=end)
    expect_positive_int(count=count)
    t = np.linspace(0, 1, count, dtype=start.dtype)[:, None]
    return (1 - t) * start + t * end


def circle(first: npt.ArrayLike, second: npt.ArrayLike, count: int = 60) -> np.ndarray:
    """Makes a circle on the sphere of radius √dim, in the plane of two directions.

    The step from the last latent to the first is as long as the others, so that an
    animation loops smoothly.

    Args:
        first, second: float arrays `(dim,)`, not parallel. The first latent has the
            direction of `first`.
        count: int, number of latents.

    Returns:
        float array `(count, dim)`, every row of length √dim.

    Formula:
        √dim · (cos a · u + sin a · v), a = 0, 2π/count, …; u and v orthonormal, from
        first and second by the Gram-Schmidt process
    """
    expect_positive_int(count=count)
    angles = 2 * np.pi * np.arange(count) / count
    return _arc(angles, first=first, second=second)


def star(
    centre: npt.ArrayLike, directions: npt.ArrayLike, count: int = 24
) -> np.ndarray:
    """Makes paths from one latent out and back, in several directions in turn.

    Each path is a quarter of a `circle` and back, with small steps at both ends.

    Args:
        centre: float array `(dim,)`, scaled to the length √dim; every path starts
            there.
        directions: float array `(n, dim)`, none parallel to the centre.
        count: int, number of latents of each path, out and back.

    Returns:
        float array `(n * count, dim)`, every row of length √dim.

    Formula:
        as `circle`, with a = π/2 · sin²(π t), t = 0, 1/count, …
    """
    expect_positive_int(count=count)
    angles = np.pi / 2 * np.sin(np.pi * np.arange(count) / count) ** 2
    shape = (None, *np.shape(centre))
    directions = expect_array(shape, directions=directions)
    rays = [_arc(angles, centre=centre, directions=ray) for ray in directions]
    return np.concatenate(rays)


def _arc(angles, **named):
    first, second = _latents(**named)
    u = first / max(np.linalg.norm(first), np.finfo(first.dtype).tiny)
    across = second - (second @ u) * u
    length = np.linalg.norm(across)
    one, other = named
    require(
        np.any(first) and length > 1e-6 * np.linalg.norm(second),
        f"The latents {one} and {other} must not be parallel, and none may be 0.",
        other,
    )
    angles = angles[:, None].astype(first.dtype)
    radius = np.sqrt(first.dtype.type(len(first)))
    return radius * (np.cos(angles) * u + np.sin(angles) * across / length)


def _latents(**named):
    """Expect two named latents, finite floats of one shape `(dim,)`."""
    shape, found = (None,), []
    for name, value in named.items():
        array = expect_array(shape, **{name: value})
        said = f"The argument {name} must hold floats, but it has {array.dtype}."
        require(array.dtype.kind == "f", said, name)
        shape, found = array.shape, [*found, array]
    return found
