"""Scores of pictures: a user's function, or a linear classifier."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gan.errors import expect_array, require

# Scores that need no example pictures.
SCORES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "brightness": lambda x: x.reshape(len(x), -1).mean(axis=1),
    "contrast": lambda x: x.reshape(len(x), -1).std(axis=1),
}

_LEAST = 5  # smallest number of pictures of each kind
# Standard deviation of the noise added to pictures in [0, 1], and its largest share of
# that of all examples, which matters for examples in smaller ranges.
_NOISE, _MOST_NOISE = 0.05, 0.2
_WEIGHTS = (1e-3, 1e-2, 1e-1, 1.0, 10.0)  # ridge penalties to choose from


class Score:
    """Gives each picture a number, above 0 if the picture has an attribute.

    Args:
        function: callable, float array of pictures `(n, …)` -> floats or bools `(n,)`.
        accuracy: float in [0, 1], accuracy of a learnt score on held-out pictures, or
            `None`.

    Attributes:
        sorts: bool, whether the sign has a meaning, because the score was learnt or
            returns bools. It is set by the first call.
    """

    def __init__(
        self, function: Callable[[np.ndarray], Any], accuracy: float | None = None
    ) -> None:
        self._function = function
        self.accuracy: float | None = accuracy
        self.sorts: bool = accuracy is not None

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """Score pictures `(n, …)`; returns a float array `(n,)`."""
        found = np.asarray(self._function(pictures))
        if found.dtype == bool:
            self.sorts = True
            found = 2.0 * found - 1
        found = expect_array((len(pictures),), score=found)
        return found.astype(np.float64)


def fit_score(
    pictures: np.ndarray,
    labels: np.ndarray,
    look: Callable[[np.ndarray], np.ndarray],
    seed: int = 0,
) -> Score:
    """Fits a linear score that tells pictures with an attribute from those without.

    Noise is added to the pictures. Without it, the score can depend on details that
    nobody sees and that a generator draws less exactly: then it rises in fakes for
    other reasons, and the direction changes other attributes, too.

    Args:
        pictures: float array `(n, …)`, in [0, 1] if they are pictures.
        labels: bool array `(n,)`, which pictures have the attribute.
        look: callable, pictures -> float array `(n, d)`, the inputs of the linear
            score.
        seed: int, seed of the choice of held-out pictures.

    Returns:
        `Score` of values in [−1, 1]. A fifth of the pictures is held out to choose the
        ridge penalty. The accuracy is the mean of both kinds' accuracies on them,
        without noise.

    Raises:
        InvalidInput: if there are fewer than five pictures of a kind.
    """
    few = min(labels.sum(), (~labels).sum())
    said = f"There must be at least {_LEAST} pictures with the attribute and {_LEAST} "
    said += f"without it, but there are {few} of one kind."
    require(few >= _LEAST, said, "with_")
    noise = np.random.default_rng(seed).standard_normal(pictures.shape, np.float32)
    seen = look(pictures + min(_NOISE, _MOST_NOISE * pictures.std()) * noise)
    mean, deviation = seen.mean(axis=0), seen.std(axis=0)
    scale = np.divide(1, deviation, out=0 * deviation, where=deviation > 1e-6)
    scale /= np.sqrt(seen.shape[1])
    seen = (seen - mean) * scale
    withheld = _fifth(labels, seed)
    known = labels[withheld]

    def accuracy(some, line):
        right = (_along(some, line) > 0) == known
        return (right[known].mean() + right[~known].mean()) / 2

    lines = {w: _ridge(seen[~withheld], labels[~withheld], w) for w in _WEIGHTS}
    best = max(_WEIGHTS, key=lambda w: (accuracy(seen[withheld], lines[w]), w))
    clean = (look(pictures[withheld]) - mean) * scale
    line = _ridge(seen, labels, best)

    def score(some):
        return np.clip(_along((look(some) - mean) * scale, line), -1, 1)

    return Score(score, float(accuracy(clean, lines[best])))


def _fifth(labels, seed):
    """A random fifth of the pictures of each kind, as a bool array."""
    rng, chosen = np.random.default_rng(seed), np.zeros(len(labels), bool)
    for kind in (True, False):
        own = rng.permutation(np.flatnonzero(labels == kind))
        chosen[own[: max(1, len(own) // 5)]] = True
    return chosen


def _ridge(seen, labels, weight):
    """Coefficients and offset of ridge regression on ±1; both kinds weigh the same."""
    shares = np.where(labels, 0.5 / labels.sum(), 0.5 / (~labels).sum())[:, None]
    targets = np.where(labels, 1.0, -1.0)
    middle = (shares * seen).sum(axis=0)
    centred = seen - middle
    offset = float(shares[:, 0] @ targets)
    if len(seen) < seen.shape[1]:
        # In its dual form the problem has only as many unknowns as pictures.
        root = np.sqrt(shares)
        kernel = (root * centred) @ (root * centred).T
        kernel[np.diag_indices_from(kernel)] += weight * 1e-2
        line = (root * centred).T @ np.linalg.solve(
            kernel, root[:, 0] * (targets - offset)
        )
    else:
        gram = centred.T @ (shares * centred)
        gram[np.diag_indices_from(gram)] += weight * 1e-2
        line = np.linalg.solve(gram, centred.T @ (shares[:, 0] * (targets - offset)))
    return line, offset - middle @ line


def _along(seen, line):
    return seen @ line[0] + line[1]
