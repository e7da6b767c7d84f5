"""Toy distributions, and two measures of how well samples match them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gan.errors import (
    expect_array,
    expect_number,
    expect_positive_int,
    expect_seed,
    require,
)


def circle(nb_points: int = 1000, seed: int = 0) -> np.ndarray:
    """Draws points on the circle of radius .3 around (.5, .5).

    Args:
        nb_points: int, at least 1.
        seed: int, at least 0.

    Returns:
        float32 array of shape `(nb_points, 2)` with values in [.2, .8].

    Formula:

        n ~ N(0, I)
        point = .5 + .3 * n / sqrt(sum(n ** 2) + 1e-8)
    """
    expect_positive_int(nb_points=nb_points)
    normal = _random(seed).standard_normal((nb_points, 2))
    norm = np.sqrt(np.sum(normal**2, axis=1, keepdims=True) + 1e-8)
    return np.float32(0.5 + 0.3 * normal / norm)


def four_clouds(nb_points: int = 1000, seed: int = 0) -> np.ndarray:
    """Draws four clouds in the plane; each point has a colour that depends on x and y.

    Args:
        nb_points: int, a multiple of 4; each cloud gets a quarter, in order.
        seed: int, at least 0.

    Returns:
        float32 array of shape `(nb_points, 5)`, columns x, y, r, g, b. The
        colours lie in [0, 1].

    Formula:

        x, y ~ N(centre, .05 ** 2), centre in {.25, .75} x {.25, .75}
        r = min(x ** 2, 1)
        g = min(y ** 2, 1)
        b = max(1 - r - g, 0)
    """
    expect_positive_int(nb_points=nb_points)
    said = f"The argument nb_points must be a multiple of 4, but it is {nb_points}."
    require(nb_points % 4 == 0, said, "nb_points")
    corners = [[0.25, 0.25], [0.25, 0.75], [0.75, 0.25], [0.75, 0.75]]
    centres = np.repeat(corners, nb_points // 4, axis=0)
    xy = centres + 0.05 * _random(seed).standard_normal((nb_points, 2))
    rg = np.minimum(xy**2, 1)
    b = np.maximum(1 - rg.sum(axis=1, keepdims=True), 0)
    return np.float32(np.hstack([xy, rg, b]))


def corner_cloud(
    nb_points: int = 10000, dim: int = 49, sigma: float = 0.05, seed: int = 0
) -> np.ndarray:
    """Draws a normal cloud around (.8, …, .8), in a corner of the unit cube.

    Args:
        nb_points: int, at least 1.
        dim: int, at least 1.
        sigma: float, at least 0, the standard deviation of each coordinate.
        seed: int, at least 0.

    Returns:
        float32 array of shape `(nb_points, dim)`.

    Formula:

        point = .8 + sigma * N(0, I)
    """
    expect_positive_int(nb_points=nb_points, dim=dim)
    expect_number(low=0, sigma=sigma)
    return np.float32(0.8 + sigma * _random(seed).standard_normal((nb_points, dim)))


def gaussian(
    nb_points: int = 1000, mean: float = 4.0, std: float = 1.25, seed: int = 0
) -> np.ndarray:
    """Draws numbers from a normal distribution.

    Args:
        nb_points: int, at least 1.
        mean: float.
        std: float, at least 0.
        seed: int, at least 0.

    Returns:
        float32 array of shape `(nb_points, 1)`.
    """
    expect_positive_int(nb_points=nb_points)
    expect_number(mean=mean)
    expect_number(low=0, std=std)
    return np.float32(mean + std * _random(seed).standard_normal((nb_points, 1)))


def msdcc(points: npt.ArrayLike, centre: npt.ArrayLike = 0.8) -> float:
    """Mean squared distance of a cloud's points to its centre.

    For `corner_cloud` its expected value is `dim * sigma ** 2`.

    Args:
        points: float array of shape `(S, dim)`, finite.
        centre: float or float array of shape `(dim,)`, the true centre.

    Returns:
        float, at least 0.

    Formula:

        msdcc = mean_i ||points_i - centre||²
    """
    return float(np.mean(np.sum(_from_centre(points, centre) ** 2, axis=1)))


def dbc(points: npt.ArrayLike, centre: npt.ArrayLike = 0.8) -> float:
    """Squared distance of a cloud's barycentre to its centre.

    For S points of `corner_cloud` its expected value is `dim * sigma ** 2 / S`;
    the course takes S = 500.

    Args:
        points: float array of shape `(S, dim)`, finite.
        centre: float or float array of shape `(dim,)`, the true centre.

    Returns:
        float, at least 0.

    Formula:

        dbc = ||mean_i points_i - centre||²
    """
    return float(np.sum(np.mean(_from_centre(points, centre), axis=0) ** 2))


def _random(seed):
    expect_seed(seed=seed)
    return np.random.default_rng(seed)


def _from_centre(points, centre):
    points = expect_array((None, None), points=points).astype(np.float64)
    size = points.shape[1:]
    centre = centre if np.ndim(centre) else np.full(size, centre)
    return points - expect_array(size, centre=centre)
