"""Principal component analysis, for the metrics and the PCA generators.

Principal coordinates are uncorrelated but need not be independent; comparing their
squared lengths with χ² shows the difference.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from gan.errors import expect_array, expect_between, expect_positive_int, require

FEW = 1024  # values per picture up to which a covariance matrix is cheap
_MOST = 4096  # rows of the largest matrix to diagonalise, which takes half a minute
_AT_ONCE = 1024  # pictures, or values of each, that are copied at once


@dataclasses.dataclass(frozen=True, eq=False)
class PCA:
    """Mean, principal axes and standard deviations of a set of pictures.

    Attributes:
        mean: float64 `(d,)`, where d is the number of values in one picture.
        axes: float64 `(d, r)`, orthonormal columns in order of falling variance. r is
            d, unless `fit_pca` used the Gram matrix: then axes that are not needed or
            have no variance are left out.
        deviations: float64 `(r,)`, at least 0, standard deviations along the axes.
        shape: tuple of ints, shape of one picture.
    """

    mean: np.ndarray
    axes: np.ndarray
    deviations: np.ndarray
    shape: tuple[int, ...]

    def coordinates(self, pictures: npt.ArrayLike, depth: int) -> np.ndarray:
        """Whitened coordinates: principal ones divided by their standard deviations.

        Args:
            pictures: array `(n, *shape)` of any range.
            depth: int from 1 to d, number of coordinates.

        Returns:
            float64 `(n, depth)`; 0 along axes of deviation 0.
        """
        expect_between(1, len(self.mean), depth=depth)
        flat = np.reshape(pictures, (len(pictures), -1)).astype(np.float64)
        require(
            flat.shape[1] == len(self.mean),
            f"The argument pictures must hold pictures of the shape {self.shape}, but "
            f"theirs is {np.shape(pictures)[1:]}.",
            "pictures",
        )
        return (flat - self.mean) @ self.whitening(depth)

    def whitening(self, depth: int) -> np.ndarray:
        """The first axes divided by their deviations (or 0), float64 `(d, depth)`."""
        along, deviations = self.axes[:, :depth], self.deviations[:depth]
        white = np.divide(along, deviations, out=0 * along, where=deviations > 0)
        more = depth - white.shape[1]
        return np.pad(white, ((0, 0), (0, more))) if more > 0 else white

    def projections(self, pictures: np.ndarray, depth: int) -> np.ndarray:
        """Principal coordinates, which are not divided by their deviations.

        Args:
            pictures: array `(n, *shape)` of any range; it is converted to float64 in
                parts.
            depth: int, largest number of coordinates.

        Returns:
            float64 `(n, depth)`, or fewer columns if there are fewer axes.
        """
        axes = self.axes[:, :depth]
        found = np.empty((len(pictures), axes.shape[1]))
        for rows, flat in _blocks(pictures):
            np.matmul(flat - self.mean, axes, out=found[rows])
        return found

    def pictures(self, coordinates: npt.ArrayLike) -> np.ndarray:
        """Pictures from whitened coordinates.

        Args:
            coordinates: array `(n, depth)` of any range; all further coordinates are 0.

        Returns:
            float64 `(n, *shape)`.
        """
        depth = np.shape(coordinates)[1]
        expect_between(1, len(self.mean), depth=depth)
        axes = self.axes[:, :depth]
        scaled = np.asarray(coordinates)[:, : axes.shape[1]] * self.deviations[:depth]
        flat = scaled @ axes.T
        flat += self.mean
        return flat.reshape(-1, *self.shape)

    def sample(self, count: int, depth: int, seed: int = 0) -> np.ndarray:
        """Draws pictures whose whitened coordinates are independent and normal.

        Args:
            count: int, number of pictures.
            depth: int from 1 to d, number of coordinates that vary; the others are 0.
            seed: int, seed of the draw.

        Returns:
            float64 `(count, *shape)`, not clipped to [0, 1].

        Formula:
            mean + Σ_i deviation_i · z_i · axis_i, i < depth, z ~ N(0, 1)
        """
        expect_positive_int(count=count)
        expect_between(1, len(self.mean), depth=depth)
        return self.pictures(np.random.default_rng(seed).normal(size=(count, depth)))


def fit_pca(pictures: npt.ArrayLike, depth: int | None = None) -> PCA:
    """Finds the principal components of a set.

    If pictures have more than 1,024 values, the smaller of two matrices is
    diagonalised: the covariance of the values or the Gram matrix of the pictures. If
    both have more than 4,096 rows, it is the Gram matrix of 4,096 random pictures.

    Args:
        pictures: array `(n, …)` of finite real numbers, n at least 2.
        depth: int, number of axes that are needed, or `None` for all. It has an effect
            only if the Gram matrix is diagonalised.

    Returns:
        `PCA`.

    Raises:
        InvalidInput: if `pictures` is invalid.

    Formula:
        With the pictures less their mean as rows of X, the eigenvectors u of X Xᵀ and
        those of Xᵀ X, the axes, have the same eigenvalues λ, and the axes are
        Xᵀ u / √λ. The squared deviations are λ / (n − 1).
    """
    pictures = expect_array((None, None, ...), 2, pictures=pictures)
    count, values = len(pictures), math.prod(pictures.shape[1:])
    if values > FEW and values > min(count, _MOST):
        return _fit_by_gram(pictures, depth)
    flat = pictures.reshape(count, -1).astype(np.float64)
    variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(flat, rowvar=False)))
    # Smaller variances are rounding errors, which whitening would turn into noise.
    variances[variances <= 1e-10 * variances[-1]] = 0
    deviations = np.sqrt(variances[::-1])
    return PCA(flat.mean(axis=0), axes[:, ::-1], deviations, pictures.shape[1:])


def _fit_by_gram(pictures, depth):
    count, shape = len(pictures), pictures.shape[1:]
    some = pictures
    if count > _MOST:
        numbers = np.random.default_rng(0).permutation(count)[:_MOST]
        some = pictures[np.sort(numbers)]
    flat = some.reshape(len(some), -1)
    mean = flat.mean(axis=0, dtype=np.float64)
    gram = np.zeros((len(flat), len(flat)))
    # Use a few values of all pictures at a time, to avoid a copy of everything.
    parts = [slice(i, i + _AT_ONCE) for i in range(0, len(mean), _AT_ONCE)]
    for part in parts:
        centred = flat[:, part] - mean[part]
        gram += centred @ centred.T
    variances, vectors = np.linalg.eigh(gram)
    kept = int((variances > 1e-10 * max(variances[-1], 0)).sum())
    # Subtracting the mean makes at least one eigenvalue 0.
    kept = max(kept if depth is None else min(kept, depth), 1)
    vectors = vectors[:, : -kept - 1 : -1]
    lengths = np.sqrt(np.maximum(variances[::-1][: vectors.shape[1]], 0))
    scaled = np.divide(vectors, lengths, out=0 * vectors, where=lengths > 0)
    axes = np.empty((len(mean), vectors.shape[1]))
    for part in parts:
        axes[part] = (flat[:, part] - mean[part]).T @ scaled
    return PCA(mean, axes, lengths / np.sqrt(len(flat) - 1), shape)


def _blocks(pictures):
    """Iterate over parts of pictures: their slice and a float64 array `(n, d)`."""
    for start in range(0, len(pictures), _AT_ONCE):
        some = pictures[start : start + _AT_ONCE]
        rows = slice(start, start + len(some))
        yield rows, some.reshape(len(some), -1).astype(np.float64)


def chi2_density(x: npt.ArrayLike, degrees: int) -> np.ndarray:
    """Density of χ², the distribution of Σ z_i² of independent normal z_i.

    Args:
        x: float array, at least 0; above 0 if `degrees` is 1.
        degrees: int, dimension of the vector.

    Returns:
        float64 array of the shape of x, at least 0.

    Raises:
        InvalidInput: if x is negative or `degrees` below 1.

    Formula:
        (x/2)^(k/2 − 1) · exp(−x/2) / (2 Γ(k/2)), k = degrees
    """
    import tensorflow as tf

    half, power = _half(x, degrees), degrees / 2
    # Computed from logarithms, so that no factor overflows.
    logarithm = tf.math.xlogy(np.float64(power - 1), half) - half - math.lgamma(power)
    return np.exp(logarithm) / 2


def chi2_distribution(x: npt.ArrayLike, degrees: int) -> np.ndarray:
    """Distribution function of χ², the regularised incomplete gamma function.

    Args:
        x: float array, at least 0.
        degrees: int, dimension of the vector whose squared length follows χ².

    Returns:
        float64 array of the shape of x, in [0, 1].

    Raises:
        InvalidInput: if x is negative or `degrees` below 1.

    Formula:
        P(k/2, x/2), k = degrees
    """
    import tensorflow as tf

    half = _half(x, degrees)
    return tf.math.igamma(np.float64(degrees / 2), half).numpy()


def chi2_distance(coordinates: npt.ArrayLike) -> float:
    """Kolmogorov–Smirnov distance between squared lengths and χ²(depth).

    Independent normal coordinates give about 0.87/√n. Dependent coordinates can give
    more, even if each is normal and their covariance is the unit matrix.

    Args:
        coordinates: array `(n, depth)`, such as whitened principal coordinates.

    Returns:
        float in [0, 1], `max |F_n − F|`, F_n the empirical distribution function of
        Σ_i coordinate_i², F that of χ²(depth).

    Raises:
        InvalidInput: if `coordinates` is invalid.
    """
    array = expect_array((None, None), coordinates=coordinates)
    lengths = np.square(array, dtype=np.float64).sum(axis=1)
    return ks_distance(lengths, lambda x: chi2_distribution(x, array.shape[1]))


def ks_distance(
    sample: np.ndarray, law: np.ndarray | Callable[[np.ndarray], np.ndarray]
) -> float:
    """Kolmogorov–Smirnov distance of two distribution functions.

    Args:
        sample: float array `(n,)`.
        law: a second sample `(m,)`, or a continuous distribution function.

    Returns:
        float in [0, 1], `max |F_n − F|`.
    """
    sample = np.sort(sample)
    # F_n jumps at each point, so compare F at the point and just before it.
    if callable(law):
        at = before = law(sample)
    else:
        law = np.sort(law)
        at, before = (
            np.searchsorted(law, sample, side) / len(law) for side in ("right", "left")
        )
    ranks = np.arange(len(sample) + 1) / len(sample)
    return float(max(np.max(ranks[1:] - at), np.max(before - ranks[:-1])))


def _half(x, degrees):
    expect_positive_int(degrees=degrees)
    x = np.asarray(x, np.float64)
    require(np.all(x >= 0), "The argument x must hold no number below 0.", "x")
    return x / 2
