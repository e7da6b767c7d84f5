"""Distances between sets of examples: functions from arrays to numbers.

Every set is an array `(n, ...)` of n finite vectors or pictures of any real dtype,
which is flattened to float64 `(n, d)`. Real and fake sets have the same d and the same
range ([0, 1] for pictures); nothing is clipped. "Whitened coordinates" are the first 49
principal coordinates, divided by their standard deviations. Look at all measures
together: samples of a Gaussian with the right moments have a good Fréchet distance, but
a bad precision and `chi2_gap`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gan.errors import expect_array, expect_positive_int, expect_seed, require
from gan.metrics.pca import FEW, fit_pca, ks_distance

_BLOCK = 1000  # rows of a distance matrix in memory at once


def principal_axes(
    real: npt.ArrayLike, coordinates: int = 49
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and whitened principal axes of a set.

    Args:
        real: array `(n, ...)`, n >= 2.
        coordinates: int, largest number of axes; axes without variance are dropped.

    Returns:
        Tuple `(mean, axes)`, float64 `(d,)` and `(d, coordinates)`; each axis is
        divided by the standard deviation along it.

    Raises: InvalidInput for invalid arguments, or if all points are equal.
    """
    expect_positive_int(coordinates=coordinates)
    pca = fit_pca(expect_array((None, None, ...), 2, real=real), coordinates)
    kept = int((pca.deviations[:coordinates] > 0).sum())
    same = "The argument real must hold different points, but all are equal."
    require(kept > 0, same, "real")
    return pca.mean, pca.whitening(kept)


def whitened_coordinates(
    points: npt.ArrayLike, axes: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Coordinates along the whitened principal axes of another set.

    Args:
        points: array `(n, ...)` with d numbers per point.
        axes: the result of `principal_axes` for the real set.

    Returns:
        float64 `(n, coordinates)`; for the real set itself, the mean is 0 and the
        covariance the unit matrix.

    Raises: InvalidInput for invalid points, or if their d is not that of the axes.
    """
    mean, scaled = axes
    (points,) = flat(1, points=points)
    require(
        points.shape[1] == len(mean),
        f"The argument points must hold {len(mean)} numbers per point, as the axes do, "
        f"but it holds {points.shape[1]}.",
        "points",
    )
    return (points - mean) @ scaled


def sliced_wasserstein(
    real: npt.ArrayLike, fake: npt.ArrayLike, directions: int = 512, seed: int = 0
) -> float:
    """Sliced Wasserstein-2 distance over random unit directions.

    Args:
        real, fake: arrays `(n, ...)`, `(m, ...)`.
        directions: int, number of directions.
        seed: int, seed of the directions.

    Returns:
        float >= 0, in units of the data.

    Raises: InvalidInput for invalid arguments.

    Formula: `sqrt(mean (Q_real - Q_fake)²)` over directions and levels, Q the quantile
        function of the projections, evaluated at the middles of max(n, m) equal steps.
        For n = m, this is the difference of the sorted projections; it is exact if one
        size divides the other.

    Reference: Bonneel et al. 2015, "Sliced and Radon Wasserstein Barycenters of
        Measures", section 3.
    """
    expect_positive_int(directions=directions)
    real, fake = flat(1, real=real, fake=fake)
    units = _generator(seed).standard_normal((directions, real.shape[1]))
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    size = max(len(real), len(fake))
    levels = (np.arange(size) + 0.5) / size
    squares = 0.0
    for start in range(0, directions, 64):
        some = units[start : start + 64]
        a, b = (
            np.sort(some @ points.T, axis=1)[:, (levels * len(points)).astype(int)]
            for points in (real, fake)
        )
        squares += ((a - b) ** 2).sum()
    return float(np.sqrt(squares / (size * directions)))


def frechet_distance(real: npt.ArrayLike, fake: npt.ArrayLike) -> float:
    """Squared Fréchet distance between the Gaussians with the sets' moments.

    Args:
        real, fake: arrays `(n, ...)`, `(m, ...)`, at least 2 examples each.

    Returns:
        float >= 0, in squared units of the data; larger for fewer examples.

    Raises: InvalidInput for invalid arguments.

    Formula: `|μ1 - μ2|² + tr(S1 + S2 - 2 (S1 S2)^½)`; the trace of the root is the sum
        of the square roots of the eigenvalues of `S1^½ S2 S1^½`. S divides by n - 1. If
        d is larger than min(n, m) and than 1,024: S = AᵀA, A the centred examples
        divided by √(n - 1), and the trace is the sum of the singular values of `A1
        A2ᵀ`.

    Reference: Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule", eq.
        6; here computed on the data themselves, not on Inception features.
    """
    real, fake = flat(2, real=real, fake=fake)
    shift = ((real.mean(axis=0) - fake.mean(axis=0)) ** 2).sum()
    if real.shape[1] > max(FEW, min(len(real), len(fake))):
        return _frechet_distance_by_gram(real, fake, shift)
    first, second = _covariance(real), _covariance(fake)
    values, vectors = np.linalg.eigh(first)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ second @ root), 0)).sum()
    # Rounding can make the distance of equal sets negative.
    return max(0.0, float(shift + np.trace(first) + np.trace(second) - 2 * cross))


def kernel_distance(
    real: npt.ArrayLike, fake: npt.ArrayLike, points: int = 3000, seed: int = 0
) -> tuple[float, float]:
    """Kernel distance (KID): unbiased squared MMD with the cubic kernel.

    Args:
        real, fake: arrays `(n, ...)`, `(m, ...)`, at least 4 examples each.
        points: int >= 4, `min(n, m, points)` random examples of each are used.
        seed: int, seed of that draw.

    Returns:
        Tuple `(value, standard_error)` of floats. The value has mean 0 for equal
        distributions and may be negative. The error is the square root of the unbiased
        variance estimate of a U-statistic (0 if the estimate is negative), with the
        kernel `h12 = k(x1,x2) + k(y1,y2) - k(x1,y2) - k(x2,y1)`.

    Raises: InvalidInput for invalid arguments.

    Formula: `mean k(x,x') + mean k(y,y') - 2 mean k(x,y)`, x ≠ x' real, y ≠ y' fake,
        `k(x,y) = (x·y/d + 1)³`; over N examples the variance is
        `(4 (N-2) Cov(h12,h13) + 2 Var(h12)) / (N (N-1))`.

    Reference: Bińkowski et al. 2018, "Demystifying MMD GANs", section 4; Gretton et
        al. 2012, eq. 3; Hoeffding 1948, eq. 5.13.
    """
    x, y = _equal_draws(*flat(4, real=real, fake=fake), 4, points, seed)
    size, d = x.shape
    same = cross = squares = 0.0
    sums = np.empty(size)
    for start in range(0, size, _BLOCK):
        rows = slice(start, start + _BLOCK)
        within = (x[rows] @ x.T / d + 1) ** 3 + (y[rows] @ y.T / d + 1) ** 3
        between = (x[rows] @ y.T / d + 1) ** 3
        h = within - between - (y[rows] @ x.T / d + 1) ** 3
        diagonal = np.arange(len(h)), start + np.arange(len(h))
        within[diagonal] = h[diagonal] = 0
        same, cross = same + within.sum(), cross + between.sum()
        squares += (h**2).sum()
        sums[rows] = h.sum(axis=1)
    pairs, triples = size * (size - 1), size * (size - 1) * (size - 2)
    chains = (sums**2).sum() - squares  # sum of h12 h13 over distinct 1, 2, 3
    mean_squared = sums.sum() ** 2 - 4 * chains - 2 * squares  # of h12 h34
    mean_squared /= triples * (size - 3)
    variance = 4 * (size - 2) * (chains / triples - mean_squared) / pairs
    variance += 2 * (squares / pairs - mean_squared) / pairs
    return float(same / pairs - 2 * cross / size**2), float(np.sqrt(max(variance, 0)))


def precision_recall(
    real: npt.ArrayLike,
    fake: npt.ArrayLike,
    k: int = 3,
    points: int = 4000,
    seed: int = 0,
    axes: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[float, float]:
    """Improved precision and recall in whitened coordinates.

    Args:
        real, fake: arrays `(n, ...)`, `(m, ...)`, more than k examples each.
        k: int; the ball of a point reaches to its k-th nearest neighbour in its own
            set.
        points: int > k, `min(n, m, points)` random examples of each are used.
        seed: int, seed of that draw.
        axes: result of `principal_axes`; `None` takes the axes of `real`.

    Returns:
        Tuple `(precision, recall)` of floats in [0, 1]: the share of fakes that lie in
        the ball of some real point, and the share of reals that lie in the ball of some
        fake.

    Raises: InvalidInput for invalid arguments.

    Reference: Kynkäänniemi et al. 2019, "Improved Precision and Recall Metric for
        Assessing Generative Models", eqs. 1 and 2.
    """
    expect_positive_int(k=k)
    real, fake = _whitened_draws(real, fake, k + 1, points, seed, axes)
    return _covered(fake, real, k), _covered(real, fake, k)


def density_coverage(
    real: npt.ArrayLike,
    fake: npt.ArrayLike,
    k: int = 5,
    points: int = 4000,
    seed: int = 0,
    axes: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[float, float]:
    """Density and coverage in whitened coordinates.

    They are like precision and recall, but use only balls around reals. Therefore a
    single outlier hardly matters: neither a real one with a large ball, nor a fake one.

    Args:
        As in `precision_recall`.

    Returns:
        Tuple `(density, coverage)` of floats. Density is the mean number of reals'
        balls in which a fake lies, divided by k, at least 0. Coverage is the share of
        reals with a fake in their ball, in [0, 1]; for another real set it is about 1 −
        1/2^k.

    Raises: InvalidInput for invalid arguments.

    Reference: Naeem et al. 2020, "Reliable Fidelity and Diversity Metrics for
        Generative Models", eqs. 3 and 5.
    """
    expect_positive_int(k=k)
    real, fake = _whitened_draws(real, fake, k + 1, points, seed, axes)
    radii = _nearest(real, real, k)
    inside = [block <= radii for block in _squared_distances(fake, real)]
    density = np.concatenate([block.sum(axis=1) for block in inside]).mean() / k
    covered = np.any([block.any(axis=0) for block in inside], axis=0)
    return float(density), float(covered.mean())


def chi2_gap(
    real: npt.ArrayLike,
    fake: npt.ArrayLike,
    axes: tuple[np.ndarray, np.ndarray] | None = None,
) -> float:
    """Kolmogorov–Smirnov distance of the squared lengths in whitened coordinates.

    If the coordinates were independent and normal, the squared lengths would follow
    χ²(49). Those of real faces do not. The squared lengths of good fakes deviate from
    χ²(49) in the same way.

    Args:
        real, fake: arrays `(n, ...)`, `(m, ...)`.
        axes: result of `principal_axes`; `None` takes the axes of `real`.

    Returns:
        float in [0, 1], `max |F_real - F_fake|`, F the distribution functions.

    Raises: InvalidInput for invalid arguments.

    Reference: the course "GANs", appendix: PCA against GAN.
    """
    real, fake = flat(1, real=real, fake=fake)
    axes = axes or principal_axes(real)
    both = [whitened_coordinates(points, axes) for points in (real, fake)]
    return ks_distance(*((z**2).sum(axis=1) for z in both))


def neighbour_ratio(
    train: npt.ArrayLike, fake: npt.ArrayLike, points: int = 2000, seed: int = 0
) -> float:
    """Distance of fakes to the training set, to see whether the generator copies.

    It is the median distance from a fake to its nearest training example, divided by
    the same distance for held-out real examples.

    Args:
        train: array `(n, ...)`, n >= 2, the whole training set.
        fake: array `(m, ...)`.
        points: int, number of random fakes, and of random reals, to measure.
        seed: int, seed of that draw.

    Returns:
        float >= 0: near 0 if most fakes are copies, near 1 if they are not, above 1 if
        fakes are far from the data.

    Raises: InvalidInput for invalid arguments, or if most of `train` are duplicates.

    Formula: `median min |fake - train| / median min |train - other train|`. A training
        example compared with the others replaces a held-out one.
    """
    expect_positive_int(points=points)
    train = expect_array((None, None, ...), 2, train=train)
    train, fake = flat(1, train=train, fake=fake)
    # Products of centred points have smaller rounding errors.
    train, fake = train - train.mean(axis=0), fake - train.mean(axis=0)
    rng = _generator(seed)
    fake, held = _draw(fake, points, rng), _draw(train, points, rng)
    usual = np.median(_nearest(held, train, 1))
    same = "The argument train must hold different points, but most are equal."
    require(usual > 0, same, "train")
    return float(np.sqrt(np.median(_nearest(fake, train, 0)) / usual))


def two_sample_score(
    real: npt.ArrayLike,
    fake: npt.ArrayLike,
    points: int = 5000,
    seed: int = 0,
    axes: tuple[np.ndarray, np.ndarray] | None = None,
) -> float:
    """Classifier two-sample test: the accuracy of telling reals from fakes.

    Half of each set trains a ridge regression (penalty 0.1) of the label, 1 or -1, on
    standardized features: the d whitened coordinates z, all products z_i z_j, and 500
    cosines cos(w·z + c), w ~ N(0, 1/d), c ~ U[0, 2π]. The accuracy of its sign is
    measured on the other halves.

    Args:
        real, fake: arrays `(n, ...)`, `(m, ...)`, at least 4 examples each.
        points: int >= 4, `min(n, m, points)` random examples of each are used.
        seed: int, seed of that draw and of the cosines.
        axes: result of `principal_axes`; `None` takes the axes of `real`.

    Returns:
        float in [0, 1], held-out accuracy; 0.5 ± 0.5/√(examples used) if the sets
        cannot be told apart.

    Raises: InvalidInput for invalid arguments.

    Reference: Lopez-Paz & Oquab 2017, "Revisiting Classifier Two-Sample Tests", eq. 2;
        Rahimi & Recht 2007, algorithm 1 (the cosines).
    """
    both = _whitened_draws(real, fake, 4, points, seed, axes)
    rng, d = _generator(seed), both[0].shape[1]
    waves = rng.standard_normal((d, 500)) / np.sqrt(d)
    phases = rng.uniform(0, 2 * np.pi, 500)
    i, j = np.triu_indices(d)

    def features(z):
        return np.hstack([z, z[:, i] * z[:, j], np.cos(z @ waves + phases)])

    half = len(both[0]) // 2
    train = features(np.concatenate([z[:half] for z in both]))
    labels = np.repeat([1.0, -1.0], half)
    mean, deviation = train.mean(axis=0), train.std(axis=0) + 1e-9
    train = (train - mean) / deviation
    gram = train.T @ train / len(train) + 0.1 * np.eye(train.shape[1])
    weights = np.linalg.solve(gram, train.T @ labels / len(train))
    scores = [(features(z[half:]) - mean) / deviation @ weights for z in both]
    return float(((scores[0] > 0).mean() + (scores[1] <= 0).mean()) / 2)


def flat(least: int, **sets: npt.ArrayLike) -> list[np.ndarray]:
    """Check sets of examples; return each as float64 `(n, d)` with one common d."""
    arrays = [
        expect_array((None, None, ...), least, **{name: points})
        for name, points in sets.items()
    ]
    arrays = [array.reshape(len(array), -1).astype(np.float64) for array in arrays]
    sizes = [array.shape[1] for array in arrays]
    require(
        len({*sizes}) == 1,
        f"The sets {' and '.join(sets)} must have equally many numbers in each point, "
        f"but they have {' and '.join(map(str, sizes))}.",
        [*sets][-1],
    )
    return arrays


def _frechet_distance_by_gram(real, fake, shift):
    """The Fréchet distance if n < d, without the `(d, d)` covariance matrices."""
    both = [
        (points - points.mean(axis=0)) / np.sqrt(len(points) - 1)
        for points in (real, fake)
    ]
    cross = np.linalg.svd(both[0] @ both[1].T, compute_uv=False).sum()
    traces = sum((points**2).sum() for points in both)
    return max(0.0, float(shift + traces - 2 * cross))


def _covariance(points):
    return np.atleast_2d(np.cov(points, rowvar=False))


def _generator(seed):
    expect_seed(seed=seed)
    return np.random.default_rng(seed)


def _draw(points, size, rng):
    return points if len(points) <= size else rng.permutation(points)[:size]


def _equal_draws(real, fake, least, points, seed):
    expect_positive_int(points=points)
    few = f"The argument points must be at least {least}, but it is {points}."
    require(points >= least, few, "points")
    rng = _generator(seed)
    size = min(len(real), len(fake), points)
    return _draw(real, size, rng), _draw(fake, size, rng)


def _whitened_draws(real, fake, least, points, seed, axes):
    real, fake = flat(least, real=real, fake=fake)
    axes = axes or principal_axes(real)
    drawn = _equal_draws(real, fake, least, points, seed)
    return [whitened_coordinates(some, axes) for some in drawn]


def _squared_distances(points, centres):
    lengths = (centres**2).sum(axis=1)
    for start in range(0, len(points), _BLOCK):
        some = points[start : start + _BLOCK]
        squares = (some**2).sum(axis=1)[:, None] + lengths - 2 * some @ centres.T
        yield np.maximum(squares, 0)


def _nearest(points, centres, k):
    blocks = _squared_distances(points, centres)
    # Within one set, index 0 is the distance of the point to itself.
    return np.concatenate([np.partition(block, k, axis=1)[:, k] for block in blocks])


def _covered(points, centres, k):
    radii = _nearest(centres, centres, k)
    blocks = _squared_distances(points, centres)
    return float(np.mean(np.concatenate([(b <= radii).any(axis=1) for b in blocks])))
