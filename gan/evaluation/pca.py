"""The generator that knows only two moments, and how χ² tells it from the real set.

Principal coordinates are uncorrelated, which is not independent.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from gan.errors import expect, expect_array, expect_positive_int


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
        pictures: array `(n, …)`, n at least 2.

    Returns:
        `PCA`.
    """
    array = expect_array((None, None, ...), least=2, pictures=pictures)
    flat = array.reshape(len(array), -1).astype(np.float64)
    variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(flat, rowvar=False)))
    # What is less is rounding, and whitened it would be noise.
    variances[variances <= 1e-10 * variances[-1]] = 0
    deviations = np.sqrt(variances[::-1])
    return PCA(flat.mean(axis=0), axes[:, ::-1], deviations, array.shape[1:])


def ks_distance(numbers: npt.ArrayLike, others: Any) -> float:
    """Kolmogorov–Smirnov distance of a sample to another one, or to a law.

    Args:
        numbers: array `(n,)`.
        others: array `(m,)`, or a callable, float array -> values of a distribution
            function there.

    Returns:
        float in [0, 1], `max |F_n − F|`, F_n the empirical distribution function.
    """
    numbers = np.sort(numbers)
    if callable(others):
        below, ranks = others(numbers), np.arange(len(numbers) + 1) / len(numbers)
        return float(max(np.max(below - ranks[:-1]), np.max(ranks[1:] - below)))
    sets = [numbers, np.sort(others)]
    both = np.concatenate(sets)
    below = [np.searchsorted(one, both, side="right") / len(one) for one in sets]
    return float(np.abs(below[0] - below[1]).max())


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
    half, power = _half(x, degrees), degrees / 2 - 1
    # Through logarithms, for neither factor overflows there.
    with np.errstate(divide="ignore"):
        powers = power * np.log(half) if power else 0 * half
    return np.exp(powers - half - math.lgamma(power + 1)) / 2


def chi2_distribution(x: npt.ArrayLike, degrees: int) -> np.ndarray:
    """Distribution function of χ².

    Args:
        x: float array, at least 0.
        degrees: int, at least 1.

    Returns:
        float64 array of the shape of x, in [0, 1].

    Formula:
        the regularised lower incomplete gamma function P(k/2, x/2), k = degrees
    """
    import tensorflow as tf

    half = _half(x, degrees)
    return tf.math.igamma(np.full_like(half, degrees / 2), half).numpy()


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
    array = expect_array((None, None), coordinates=coordinates)
    lengths = np.sum(np.square(array, dtype=np.float64), axis=1)
    return ks_distance(lengths, lambda x: chi2_distribution(x, array.shape[1]))


def _half(x, degrees):
    expect_positive_int(degrees=degrees)
    x = np.asarray(x, np.float64)
    expect(np.all(x >= 0), "x of at least 0", x=x)
    return x / 2
