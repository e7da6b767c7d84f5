"""The generator that knows only two moments, and how χ² tells it from the real set.

Principal coordinates are uncorrelated, which is not independent.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from gan.errors import expect, expect_positive_int


@dataclasses.dataclass(frozen=True, eq=False)
class PCA:
    """Mean, principal axes and deviations of a set of pictures.

    Attributes:
        mean: float64 `(d,)`, d numbers a picture.
        axes: float64 `(d, d)`, orthonormal columns by falling variance.
        deviations: float64 `(d,)`, standard deviations along the axes; 0 where the
            set does not vary.
        shape: tuple, shape of one picture.
    """

    mean: np.ndarray
    axes: np.ndarray
    deviations: np.ndarray
    shape: tuple[int, ...]

    def coordinates(self, pictures: npt.ArrayLike, depth: int) -> np.ndarray:
        """Principal coordinates, divided by their standard deviations.

        Args:
            pictures: array `(n, *shape)`.
            depth: int from 1 to d, how many of the first coordinates.

        Returns:
            float64 `(n, depth)`; 0 along axes of deviation 0.
        """
        self._expect_depth(depth)
        flat = np.reshape(pictures, (len(pictures), -1)).astype(np.float64)
        expected = f"pictures of shape {self.shape}"
        expect(flat.shape[1] == len(self.mean), expected, shape=np.shape(pictures))
        along, deviations = self.axes[:, :depth], self.deviations[:depth]
        inverse = np.divide(1, deviations, out=0 * deviations, where=deviations > 0)
        return (flat - self.mean) @ along * inverse

    def pictures(self, coordinates: npt.ArrayLike) -> np.ndarray:
        """Pictures from whitened principal coordinates `(n, depth)`: `(n, *shape)`."""
        depth = np.shape(coordinates)[1]
        self._expect_depth(depth)
        scaled = coordinates * self.deviations[:depth]
        flat = scaled @ self.axes[:, :depth].T + self.mean
        return flat.reshape(-1, *self.shape)

    def sample(self, count: int, depth: int, seed: int = 0) -> np.ndarray:
        """Draw pictures with independent normal coordinates.

        Args:
            count: int, how many.
            depth: int from 1 to d, how many coordinates; the others are at the mean.
            seed: int.

        Returns:
            float64 `(count, *shape)`, not confined to [0, 1].

        Formula:
            mean + Σ_i deviation_i · z_i · axis_i, i < depth, z ~ N(0, 1)
        """
        expect_positive_int(count=count)
        self._expect_depth(depth)
        return self.pictures(np.random.default_rng(seed).normal(size=(count, depth)))

    def _expect_depth(self, depth):
        expect_positive_int(depth=depth)
        expect(depth <= len(self.mean), f"depth up to {len(self.mean)}", depth=depth)


def fit_pca(pictures: npt.ArrayLike) -> PCA:
    """Find the principal components of a set.

    Args:
        pictures: float array `(n, …)`, n at least 2.

    Returns:
        `PCA`.
    """
    pictures = np.asarray(pictures)
    enough = pictures.ndim >= 2 and len(pictures) >= 2
    expect(enough, "pictures of shape (n, …), n at least 2", shape=pictures.shape)
    flat = pictures.reshape(len(pictures), -1).astype(np.float64)
    expect(np.isfinite(flat).all(), "finite pictures", shape=pictures.shape)
    variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(flat, rowvar=False)))
    # What is less is rounding, and whitened it would be noise.
    variances[variances <= 1e-14 * variances[-1]] = 0
    deviations = np.sqrt(variances[::-1])
    return PCA(flat.mean(axis=0), axes[:, ::-1], deviations, pictures.shape[1:])


def chi2_density(x: npt.ArrayLike, degrees: int) -> np.ndarray:
    """Density of χ²: the squared length of a vector of independent normals.

    Args:
        x: float array, at least 0; above 0 for fewer than 2 degrees.
        degrees: int, dimension of the vector.

    Returns:
        float64 array of the shape of x, at least 0.

    Formula:
        (x/2)^(k/2 − 1) · exp(−x/2) / (2 Γ(k/2)), k = degrees
    """
    half, power = _chi2(x, degrees), degrees / 2 - 1
    return _poisson(half, power) / 2


def chi2_distribution(x: npt.ArrayLike, degrees: int) -> np.ndarray:
    """Distribution function of χ², by its finite sum: exact but for rounding.

    Args:
        x: float array, at least 0.
        degrees: int, at least 1.

    Returns:
        float64 array of the shape of x, in [0, 1].

    Formula:
        1 − r − Σ_a h^a · exp(−h) / Γ(a + 1), h = x/2, for even degrees k over
        a = 0, 1, …, k/2 − 1 with r = 0, for odd ones over a = 1/2, 3/2, …, k/2 − 1
        with r = erfc(√h)

    Reference:
        Abramowitz & Stegun 1964, Handbook of Mathematical Functions, 26.4.4, 26.4.5.
    """
    half, odd = _chi2(x, degrees), degrees % 2
    beyond = np.vectorize(math.erfc, [float])(np.sqrt(half)) if odd else 0 * half
    for power in np.arange(odd / 2, degrees / 2):
        beyond = beyond + _poisson(half, power)
    return np.clip(1 - beyond, 0, 1)


def chi2_distance(coordinates: npt.ArrayLike) -> float:
    """Kolmogorov–Smirnov distance of squared lengths to χ² of as many degrees.

    Independent normal coordinates give about .87/√n; dependent ones, though white
    and each of them normal, need not.

    Args:
        coordinates: float array `(n, depth)`, such as whitened principal ones.

    Returns:
        float in [0, 1], `max |F_n − F|`, F_n the empirical distribution function of
        Σ_i coordinate_i², F that of χ²(depth).
    """
    shape = np.shape(coordinates)
    table = len(shape) == 2 and min(shape) >= 1
    expect(table, "coordinates of shape (n, depth)", shape=shape)
    lengths = np.sort(np.sum(np.square(coordinates, dtype=np.float64), axis=1))
    expect(np.isfinite(lengths).all(), "finite coordinates", shape=shape)
    below = chi2_distribution(lengths, shape[1])
    ranks = np.arange(len(lengths) + 1) / len(lengths)
    return float(max(np.max(below - ranks[:-1]), np.max(ranks[1:] - below)))


def _chi2(x, degrees):
    expect_positive_int(degrees=degrees)
    x = np.asarray(x, np.float64)
    expect(np.all(x >= 0), "x of at least 0", x=x)
    return x / 2


def _poisson(half, power):
    """h^a · exp(−h) / Γ(a + 1), through logarithms: neither factor overflows."""
    with np.errstate(divide="ignore"):
        powers = power * np.log(half) if power else 0 * half
    return np.exp(powers - half - math.lgamma(power + 1))
