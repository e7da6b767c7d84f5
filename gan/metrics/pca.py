"""Principal components: the one analysis that the metrics and the PCA rival stand on.

Principal coordinates are uncorrelated, which does not make them independent: χ² shows
the difference.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from gan.errors import expect_array, expect_between, expect_positive_int, require

FEW = 1024  # values in a picture, of which a covariance takes no time
_MOST = 4096  # rows of a matrix whose eigenvectors are found, in half a minute
_AT_ONCE = 1024  # pictures, or values of each, of which there is a second copy


@dataclasses.dataclass(frozen=True, eq=False)
class PCA:
    """Mean, principal axes and standard deviations of a set of pictures.

    Attributes:
        mean: float64 `(d,)`, where d is the number of values in one picture.
        axes: float64 `(d, r)`, orthonormal columns by falling variance; r is d, or of
            more than 1,024 values as many as are needed or as the set varies along.
        deviations: float64 `(r,)`, standard deviations along the axes; 0 where the
            set does not vary.
        shape: tuple of ints, shape of one picture.
    """

    mean: np.ndarray
    axes: np.ndarray
    deviations: np.ndarray
    shape: tuple[int, ...]

    def coordinates(self, pictures: npt.ArrayLike, depth: int) -> np.ndarray:
        """Whitened coordinates: principal ones divided by their standard deviations.

        Args:
            pictures: array `(n, *shape)`.
            depth: int from 1 to d, how many of the first coordinates.

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
        """The first axes, float64 `(d, depth)`, divided by their deviations or 0."""
        along, deviations = self.axes[:, :depth], self.deviations[:depth]
        white = np.divide(along, deviations, out=0 * along, where=deviations > 0)
        more = depth - white.shape[1]
        return np.pad(white, ((0, 0), (0, more))) if more > 0 else white

    def projections(self, pictures: np.ndarray, depth: int) -> np.ndarray:
        """Principal coordinates, as long as in the space of the pictures.

        Args:
            pictures: array `(n, *shape)`; a part at a time is made float64.
            depth: int, how many of the first coordinates, at most.

        Returns:
            float64 `(n, depth)`, or of fewer columns where there are no more axes.
        """
        axes = self.axes[:, :depth]
        found = np.empty((len(pictures), axes.shape[1]))
        for rows, flat in _blocks(pictures):
            np.matmul(flat - self.mean, axes, out=found[rows])
        return found

    def pictures(self, coordinates: npt.ArrayLike) -> np.ndarray:
        """Pictures from whitened coordinates.

        Args:
            coordinates: array `(n, depth)`; those beyond depth are taken to be 0.

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
        """Draw pictures whose whitened coordinates are independent and normal.

        Args:
            count: int, how many.
            depth: int from 1 to d, how many coordinates vary; the others stay at the
                mean.
            seed: int, seed of the draw.

        Returns:
            float64 `(count, *shape)`, not confined to [0, 1].

        Formula:
            mean + Σ_i deviation_i · z_i · axis_i, i < depth, z ~ N(0, 1)
        """
        expect_positive_int(count=count)
        expect_between(1, len(self.mean), depth=depth)
        return self.pictures(np.random.default_rng(seed).normal(size=(count, depth)))


def fit_pca(pictures: npt.ArrayLike, depth: int | None = None) -> PCA:
    """Find the principal components of a set.

    Of more than 1,024 values they come from the Gram matrix of the pictures where that
    is smaller than the covariance of the values. Where both would have more than 4,096
    rows, 4,096 random pictures stand for all.

    Args:
        pictures: array `(n, …)` of finite real numbers, n at least 2.
        depth: int, how many axes are needed; `None`: all. Only of more than 1,024
            values others are then left out.

    Returns:
        `PCA`.

    Raises:
        InvalidInput: if `pictures` are not of that form.

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
    # What is smaller is rounding, and whitening would blow it up to noise.
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
    # A few values of all pictures at a time, so that no copy of them is made.
    parts = [slice(i, i + _AT_ONCE) for i in range(0, len(mean), _AT_ONCE)]
    for part in parts:
        centred = flat[:, part] - mean[part]
        gram += centred @ centred.T
    variances, vectors = np.linalg.eigh(gram)
    kept = int((variances > 1e-10 * max(variances[-1], 0)).sum())
    # The mean has taken at least one of them away.
    kept = max(kept if depth is None else min(kept, depth), 1)
    vectors = vectors[:, : -kept - 1 : -1]
    lengths = np.sqrt(np.maximum(variances[::-1][: vectors.shape[1]], 0))
    scaled = np.divide(vectors, lengths, out=0 * vectors, where=lengths > 0)
    axes = np.empty((len(mean), vectors.shape[1]))
    for part in parts:
        axes[part] = (flat[:, part] - mean[part]).T @ scaled
    return PCA(mean, axes, lengths / np.sqrt(len(flat) - 1), shape)


def _blocks(pictures):
    """Some pictures at a time: their rows, and float64 arrays `(n, d)`."""
    for start in range(0, len(pictures), _AT_ONCE):
        some = pictures[start : start + _AT_ONCE]
        rows = slice(start, start + len(some))
        yield rows, some.reshape(len(some), -1).astype(np.float64)


def chi2_density(x: npt.ArrayLike, degrees: int) -> np.ndarray:
    """Density of χ²: the law of the squared length of a vector of independent normals.

    Args:
        x: array of numbers of at least 0; above 0 for fewer than 2 degrees.
        degrees: int, dimension of the vector.

    Returns:
        float64 array of the shape of x, at least 0.

    Raises:
        InvalidInput: for a negative x or fewer than 1 degree.

    Formula:
        (x/2)^(k/2 − 1) · exp(−x/2) / (2 Γ(k/2)), k = degrees
    """
    import tensorflow as tf

    half, power = _half(x, degrees), degrees / 2
    # Through logarithms, as neither factor then overflows.
    logarithm = tf.math.xlogy(np.float64(power - 1), half) - half - math.lgamma(power)
    return np.exp(logarithm) / 2


def chi2_distribution(x: npt.ArrayLike, degrees: int) -> np.ndarray:
    """Distribution function of χ², the regularised incomplete gamma function.

    Args:
        x: array of numbers of at least 0.
        degrees: int, dimension of the vector whose squared length follows χ².

    Returns:
        float64 array of the shape of x, in [0, 1].

    Raises:
        InvalidInput: for a negative x or fewer than 1 degree.

    Formula:
        P(k/2, x/2), k = degrees
    """
    import tensorflow as tf

    half = _half(x, degrees)
    return tf.math.igamma(np.float64(degrees / 2), half).numpy()


def chi2_distance(coordinates: npt.ArrayLike) -> float:
    """Kolmogorov–Smirnov distance of squared lengths to χ² of as many degrees.

    Independent normal coordinates give about .87/√n. Dependent ones, though each of
    them is normal and their covariance is 1, need not.

    Args:
        coordinates: array `(n, depth)`, such as whitened principal ones.

    Returns:
        float in [0, 1], `max |F_n − F|`, F_n the empirical distribution function of
        Σ_i coordinate_i², F that of χ²(depth).

    Raises:
        InvalidInput: if `coordinates` are not of that form.
    """
    array = expect_array((None, None), coordinates=coordinates)
    lengths = np.square(array, dtype=np.float64).sum(axis=1)
    return ks_distance(lengths, lambda x: chi2_distribution(x, array.shape[1]))


def ks_distance(
    sample: np.ndarray, law: np.ndarray | Callable[[np.ndarray], np.ndarray]
) -> float:
    """Kolmogorov–Smirnov distance: how far two distribution functions are apart.

    Args:
        sample: float array `(n,)`.
        law: a second sample `(m,)`, or a continuous distribution function.

    Returns:
        float in [0, 1], `max |F_n − F|`.
    """
    sample = np.sort(sample)
    # F_n jumps at each point: F there, and F just before it.
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
