"""The generator that knows only two moments: principal components of a set."""

import dataclasses

import numpy as np

from gan._validation import expect, expect_positive_int


@dataclasses.dataclass(frozen=True, eq=False)
class PCA:
    """Mean, principal axes and deviations of a set of pictures.

    Attributes:
        mean: float64 `(d,)`, d numbers a picture.
        axes: float64 `(d, d)`, orthonormal columns by falling variance.
        deviations: float64 `(d,)`, standard deviations along the axes.
        shape: tuple, shape of one picture.
    """

    mean: np.ndarray
    axes: np.ndarray
    deviations: np.ndarray
    shape: tuple

    def coordinates(self, pictures, depth):
        """Principal coordinates, divided by their standard deviations.

        Args:
            pictures: array `(n, *shape)`.
            depth: int from 1 to d, how many of the first coordinates.

        Returns:
            float64 `(n, depth)`.
        """
        self._expect_depth(depth)
        flat = np.reshape(pictures, (len(pictures), -1)).astype(np.float64)
        expected = f"pictures of shape {self.shape}"
        expect(flat.shape[1] == len(self.mean), expected, shape=np.shape(pictures))
        return (flat - self.mean) @ self.axes[:, :depth] / self._scale(depth)

    def pictures(self, coordinates):
        """Pictures from whitened principal coordinates `(n, depth)`: `(n, *shape)`."""
        depth = np.shape(coordinates)[1]
        self._expect_depth(depth)
        flat = (coordinates * self._scale(depth)) @ self.axes[:, :depth].T + self.mean
        return flat.reshape(-1, *self.shape)

    def sample(self, count, depth, seed=0):
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

    def _scale(self, depth):
        deviations = self.deviations[:depth]
        return np.where(deviations > 0, deviations, 1.0)

    def _expect_depth(self, depth):
        expect_positive_int(depth=depth)
        expect(depth <= len(self.mean), f"depth up to {len(self.mean)}", depth=depth)


def fit_pca(pictures):
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
    deviations = np.sqrt(np.maximum(variances[::-1], 0))
    return PCA(flat.mean(axis=0), axes[:, ::-1], deviations, pictures.shape[1:])
