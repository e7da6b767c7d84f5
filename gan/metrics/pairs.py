"""Measures of pictures against their targets: functions from arrays to numbers.

Every set is an array `(n, h, w)` or `(n, h, w, c)` of pictures in [0, 1]; row i of each
set belongs to the same pair. A model should beat the baselines, which need no network:
the input itself, the mean target, and a linear map. A distance alone rewards blur;
`detail` and the measures of sets in `gan.metrics` reveal it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from gan.errors import expect_array, expect_between, expect_seed, require

_LEAST_SQUARE = 1e-10  # smallest mean squared error, a PSNR of 100 dB
_PENALTIES = 10.0 ** np.arange(-2, 4.5, 0.5)
_MOST = 4096  # largest side of a square matrix to solve


def psnr(
    truth: npt.ArrayLike, pictures: npt.ArrayLike, mask: npt.ArrayLike | None = None
) -> float:
    """Peak signal-to-noise ratio, the mean over pictures.

    Args:
        truth: array `(n, h, w)` or `(n, h, w, c)` in [0, 1].
        pictures: array of the same shape.
        mask: array `(n, h, w)` or `(n, h, w, 1)`, 1 where a pixel counts and 0 where it
            does not; `None` counts all pixels.

    Returns:
        float, dB, at most 100.

    Raises: InvalidInput for invalid arguments, or if the mask selects no pixel of a
        picture.

    Formula: `mean over pictures of −10 log10(max(mean (truth − picture)², 1e-10))`.
    """
    truth, pictures = _pair(truth, pictures)
    squares = ((truth - pictures) ** 2).mean(axis=3)
    if mask is None:
        means = squares.mean(axis=(1, 2))
    else:
        inside = _mask(mask, truth)
        means = (squares * inside).sum(axis=(1, 2)) / inside.sum(axis=(1, 2))
    return float(np.mean(-10 * np.log10(np.maximum(means, _LEAST_SQUARE))))


def ssim(truth: npt.ArrayLike, pictures: npt.ArrayLike) -> float:
    """Structural similarity, the mean over pictures.

    Args:
        truth: array `(n, h, w)` or `(n, h, w, c)` in [0, 1], sides of at least 7.
        pictures: array of the same shape.

    Returns:
        float, at most 1. The side of the window is 11 pixels, or 7 if a side of the
        picture has fewer than 32.

    Raises: InvalidInput for invalid arguments.

    Reference: Wang et al. 2004, "Image Quality Assessment", eq. 13; `tf.image.ssim`.
    """
    truth, pictures = _pair(truth, pictures)
    least = min(truth.shape[1:3])
    require(least >= 7, f"Sides must have at least 7 pixels, not {least}.", "truth")
    import tensorflow as tf

    size = 11 if least >= 32 else 7
    parts = [
        tf.image.ssim(
            truth[start : start + 500].astype(np.float32),
            pictures[start : start + 500].astype(np.float32),
            1.0,
            filter_size=size,
        )
        for start in range(0, len(truth), 500)
    ]
    return float(np.mean(np.concatenate(parts)))


def top_1(truth: npt.ArrayLike, pictures: npt.ArrayLike) -> float:
    """Share of pictures whose nearest target is their own.

    Args:
        truth: array `(n, …)` of any range.
        pictures: array of the same shape and range.

    Returns:
        float p in [0, 1]; 1 / n by chance. Its standard error is √(p (1 − p) / n).

    Raises: InvalidInput for invalid arguments.

    Formula: `mean [i = argmin over j of ‖picture_i − truth_j‖²]`.
    """
    truth, pictures = (a.reshape(len(a), -1) for a in _pair(truth, pictures))
    squares = (truth**2).sum(axis=1) - 2 * pictures @ truth.T
    return float(np.mean(squares.argmin(axis=1) == np.arange(len(truth))))


def detail(truth: npt.ArrayLike, pictures: npt.ArrayLike) -> float:
    """Amount of fine detail in pictures, relative to that of their targets.

    Args:
        truth: array `(n, h, w)` or `(n, h, w, c)` in [0, 1].
        pictures: array of the same shape.

    Returns:
        float, at least 0; below 1 the pictures are blurred.

    Raises: InvalidInput for invalid arguments, or targets without any detail.

    Formula: mean |difference of vertical and horizontal neighbours| of the pictures,
        divided by that of the targets.
    """

    def slopes(some):
        return sum(np.abs(np.diff(some, axis=axis)).mean() for axis in (1, 2))

    truth, pictures = _pair(truth, pictures)
    usual = slopes(truth)
    said = "The argument truth must not be constant, because detail compares with it."
    require(usual > 0, said, "truth")
    return float(slopes(pictures) / usual)


def crops(pictures: npt.ArrayLike, size: int = 8) -> np.ndarray:
    """Cuts pictures into squares, for measures of fine detail.

    Args:
        pictures: array `(n, h, w)` or `(n, h, w, c)` of any range. Incomplete squares
            at the right and the bottom are left out.
        size: int, side of a square in pixels, at most h and w.

    Returns:
        Array `(n * (h // size) * (w // size), size, size, c)` of the same range.
    """
    pictures = _colours(expect_array((None, None, None, ...), pictures=pictures))
    count, height, width, channels = pictures.shape
    expect_between(1, min(height, width), size=size)
    rows, columns = height // size, width // size
    cut = pictures[:, : rows * size, : columns * size]
    cut = cut.reshape(count, rows, size, columns, size, channels)
    return cut.transpose(0, 1, 3, 2, 4, 5).reshape(-1, size, size, channels)


def fit_ridge(
    inputs: npt.ArrayLike, targets: npt.ArrayLike, seed: int = 0
) -> Callable[[npt.ArrayLike], np.ndarray]:
    """Fits a linear map from inputs to targets by ridge regression on pixels.

    A held-out fifth of the pairs chooses the penalty, from 13 between 0.01 and 10⁴. If
    there are more than 4,096 pairs of more than 4,096 numbers, 4,096 random pairs are
    used.

    Args:
        inputs: array `(n, …)` of any range, n >= 10.
        targets: array `(n, …)` of any range.
        seed: int, seed of the random choices.

    Returns:
        callable, inputs `(m, …)` -> float32 array `(m, …)` like `targets`.

    Raises: InvalidInput for invalid arguments.

    Formula: `targets ≈ m_y + (x − m_x) W`, W minimises `Σ‖y − ŷ‖² + penalty ‖W‖²`.
    """
    expect_seed(seed=seed)
    inputs = expect_array((None, None, ...), 10, inputs=inputs)
    targets = expect_array((len(inputs), None, ...), targets=targets)
    form = targets.shape[1:]
    order = np.random.default_rng(seed).permutation(len(inputs))
    if inputs[0].size > _MOST:
        order = order[:_MOST]
    x, y = (
        a[order].reshape(len(order), -1).astype(np.float32) for a in (inputs, targets)
    )
    held = len(x) // 5
    solve = _solver(x[held:], y[held:])
    errors = [np.mean((y[:held] - solve(p)(x[:held])) ** 2) for p in _PENALTIES]
    best = _solver(x, y)(_PENALTIES[int(np.argmin(errors))])

    def predict(some):
        some = np.asarray(some, np.float32)
        return best(some.reshape(len(some), -1)).reshape(len(some), *form)

    return predict


def _solver(x, y):
    """A function that returns the map of ridge regression for a penalty."""
    centre, middle = x.mean(axis=0), y.mean(axis=0)
    x, y = x - centre, y - middle
    # If there are fewer pairs than numbers, the dual problem is smaller.
    wide = x.shape[1] > len(x)
    gram = np.float64(x @ x.T if wide else x.T @ x)
    right = np.float64(y if wide else x.T @ y)

    def solve(penalty):
        found = np.linalg.solve(gram + penalty * np.eye(len(gram)), right)
        weights = np.float32(x.T @ found if wide else found)
        return lambda some: (some - centre) @ weights + middle

    return solve


# In the order of the table: the function, its title, the number of decimals.
MEASURES: dict[str, tuple[Callable[..., float], str, int]] = {
    "psnr": (psnr, "PSNR, dB", 2),
    "ssim": (ssim, "SSIM", 3),
    "top_1": (top_1, "nearest is the right one", 3),
    "detail": (detail, "fine detail, 1 is the target's", 2),
}


def compare_pairs(
    truth: npt.ArrayLike,
    answers: Mapping[str, npt.ArrayLike],
    mask: npt.ArrayLike | None = None,
) -> dict[str, dict[str, float]]:
    """Measures the outputs of several models or baselines for the same inputs.

    Args:
        truth: array `(n, h, w)` or `(n, h, w, c)` in [0, 1], the targets.
        answers: dict from names to arrays of the same shape, the outputs of models or
            baselines; values outside [0, 1] are clipped.
        mask: as in `psnr`; it is used only there.

    Returns:
        Dict from names to dicts of the floats `psnr`, `ssim` (if both sides have at
        least 7 pixels), `top_1` and `detail`.

    Raises: InvalidInput for invalid arguments.
    """
    found = {}
    for name, pictures in answers.items():
        _, pictures = _pair(truth, pictures)
        pictures, row = np.clip(pictures, 0, 1), {}
        for measure, (function, _, _) in MEASURES.items():
            if measure == "ssim" and min(pictures.shape[1:3]) < 7:
                continue
            masked = {"mask": mask} if measure == "psnr" else {}
            row[measure] = function(truth, pictures, **masked)
        found[name] = row
    return found


def trivial_answers(
    inputs: npt.ArrayLike,
    truth: npt.ArrayLike,
    training: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Computes the baselines: outputs for inputs, without a network.

    Args:
        inputs: array `(n, h, w)` or `(n, h, w, c)` in [0, 1].
        truth: array `(n, h, w)` or `(n, h, w, c)` in [0, 1], their targets.
        training: pair of arrays, inputs and targets, from which "mean" and "linear"
            learn; with `None`, they learn for each fifth of the pairs from the others.
        seed: int, seed of `fit_ridge`.

    Returns:
        Dict from names to arrays of the shape of `truth`: "input", the input converted
        to the size and the colours of the target, if this is possible; "mean", the mean
        target; "linear", the result of `fit_ridge`.
    """
    inputs, truth = np.asarray(inputs, np.float32), np.asarray(truth, np.float32)
    mean, linear = np.empty_like(truth), np.empty_like(truth)
    parts = [(training, slice(None))]
    if training is None:
        rows = np.arange(len(inputs))
        parts = [
            ((inputs[rows % 5 != n], truth[rows % 5 != n]), rows % 5 == n)
            for n in range(5)
        ]
    for (some, right), chosen in parts:
        mean[chosen] = np.asarray(right, np.float32).mean(axis=0)
        linear[chosen] = fit_ridge(some, right, seed)(inputs[chosen])
    copied = copied_input(inputs, truth.shape[1:])
    found = {} if copied is None else {"input": copied}
    return {**found, "mean": mean, "linear": linear}


def copied_input(inputs: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    """Converts inputs to another shape, by bicubic interpolation if sides differ.

    Args:
        inputs: float array `(n, h, w, c)` or `(n, h, w)` in [0, 1].
        shape: tuple, shape of a target.

    Returns:
        Float32 array `(n, *shape)`, or `None` if the channels cannot be converted.
    """
    pictures, channels = _colours(np.asarray(inputs, np.float32)), (*shape, 1)[2]
    if pictures.shape[3] == 1 and channels == 3:
        pictures = np.repeat(pictures, 3, axis=3)
    if pictures.shape[3] < channels:
        return None
    pictures = pictures[..., :channels]
    if pictures.shape[1:3] != tuple(shape[:2]):
        import tensorflow as tf

        pictures = tf.image.resize(pictures, shape[:2], "bicubic").numpy()
    return pictures.reshape(-1, *shape)


def table(reports: Mapping[str, Mapping[str, float]]) -> str:
    """Formats the result of `compare_pairs` as a table, one row for each name.

    Args:
        reports: dict from names to dicts of measures.

    Returns:
        str of several lines.
    """
    names = [name for name in MEASURES if any(name in row for row in reports.values())]
    width = max(map(len, reports)) + 2
    lines = [" " * width + "".join(f"{MEASURES[n][1]:>32}" for n in names)]
    for answer, row in reports.items():
        cells = [f"{row[n]:.{MEASURES[n][2]}f}" if n in row else "" for n in names]
        lines.append(f"{answer:<{width}}" + "".join(f"{cell:>32}" for cell in cells))
    return "\n".join(lines)


def _pair(truth, pictures):
    truth = _colours(expect_array((None, None, None, ...), truth=truth))
    pictures = _colours(expect_array((None, None, None, ...), pictures=pictures))
    # An axis of one channel may be missing in one of the two.
    pictures = expect_array(truth.shape, pictures=pictures)
    return truth.astype(np.float64), pictures.astype(np.float64)


def _colours(pictures):
    """Add the axis of channels if it is missing."""
    return pictures[..., None] if pictures.ndim == 3 else pictures


def _mask(mask, truth):
    mask = np.asarray(mask)
    mask = mask[..., 0] if mask.ndim == 4 else mask
    mask = expect_array(truth.shape[:3], mask=mask).astype(np.float64)
    said = "The argument mask must select at least one pixel of each picture."
    require((mask.sum(axis=(1, 2)) > 0).all(), said, "mask")
    return mask
