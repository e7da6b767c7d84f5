"""Paths through latent space: rows of latents, one a frame.

A latent of N(0, I) in d dimensions has a length near √d: what is far from that sphere
was hardly ever seen in training. `circle` and `star` stay on it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gan.errors import expect_array, expect_positive_int, require


def segment(start: npt.ArrayLike, end: npt.ArrayLike, count: int = 20) -> np.ndarray:
    """Walk straight from one latent to another.

    Args:
        start, end: float arrays `(dim,)`.
        count: int, latents, both ends included.

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
    """Walk once round the sphere of radius √dim, in the plane of two directions.

    The step from the last latent to the first is one like the others: an animation
    of it has no seam.

    Args:
        first, second: float arrays `(dim,)`, not parallel; the walk starts towards
            the first.
        count: int, latents.

    Returns:
        float array `(count, dim)`, every row of length √dim.

    Formula:
        √dim · (cos a · u + sin a · v), a = 0, 2π/count, …; u and v orthonormal,
        by Gram and Schmidt from first and second
    """
    expect_positive_int(count=count)
    angles = 2 * np.pi * np.arange(count) / count
    return _arc(angles, first=first, second=second)


def star(
    centre: npt.ArrayLike, directions: npt.ArrayLike, count: int = 24
) -> np.ndarray:
    """Walk from one latent out and back in several directions, one after the other.

    Each ray is a quarter of a circle as of `circle`, slow at both of its ends.

    Args:
        centre: float array `(dim,)`; the walk starts there, scaled to the length √dim.
        directions: float array `(n, dim)`, none parallel to the centre.
        count: int, latents of each ray, there and back.

    Returns:
        float array `(n * count, dim)`, every row of length √dim.

    Formula:
        as `circle`, with a = π/2 · sin²(π t), t = 0, 1/count, …
    """
    expect_positive_int(count=count)
    angles = np.pi / 2 * np.sin(np.pi * np.arange(count) / count) ** 2
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
