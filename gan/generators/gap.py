"""Is it copying? Whether training pictures are met nearer than withheld ones."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from gan.errors import StrPath, expect_between, expect_seed, require
from gan.generators.given import given_examples
from gan.generators.project import project

_NORMAL = 1.96  # deviations that hold 95% of a normal law


@dataclasses.dataclass(frozen=True)
class Gap:
    """How much nearer training pictures are met than withheld ones.

    Attributes:
        trained: float, the mean error of projections of training pictures, in [0, 1].
        withheld: float, that of withheld ones.
        low: float, the lower end of a 95% interval of their difference.
        high: float, its upper end.
    """

    trained: float
    withheld: float
    low: float
    high: float

    @property
    def copies(self) -> bool:
        """Whether withheld pictures are met clearly worse, by a quarter and more."""
        return self.low > 0 and self.withheld > 1.25 * self.trained

    def __str__(self) -> str:
        half = (self.high - self.low) / 2
        return (
            f"the error of projections is {self.trained:.4f} for training pictures and "
            f"{self.withheld:.4f} for withheld ones, which differ by "
            f"{self.withheld - self.trained:+.4f} ±{half:.4f}"
        )


def projection_gap(
    generator: Any,
    trained: npt.ArrayLike | StrPath,
    withheld: npt.ArrayLike | StrPath,
    count: int = 100,
    seed: int = 0,
) -> Gap:
    """Project training pictures and withheld ones, and compare the errors.

    A generator that has learnt its pictures by heart meets them nearer than others of
    the same kind.

    Args:
        generator: `gan.TrainedGenerator`.
        trained: pictures it was trained on, as `TrainedGenerator.project` takes them.
        withheld: pictures of the same kind that it was not trained on.
        count: int of at least 8, at most so many random ones of either.
        seed: int from 0 to 2³² − 1.

    Returns:
        `Gap`.

    Raises:
        InvalidInput: if an argument is not of that form.

    Formula:
        m₂ − m₁ ± 1.96 √(s₁² / n₁ + s₂² / n₂), m the means and s the standard
        deviations of both kinds' errors

    Reference:
        Webster et al. 2019, Detecting Overfitting of Deep Generative Networks via
        Latent Recovery, section 3.
    """
    expect_between(8, 100_000, count=count)
    expect_seed(2**32, seed=seed)
    rng, errors = np.random.default_rng(seed), []
    sets = {"trained": trained, "withheld": withheld}
    sets = {k: given_examples(generator.shape, **{k: some}) for k, some in sets.items()}
    for name, some in sets.items():
        said = f"The argument {name} must hold at least 8 pictures, not {len(some)}."
        require(len(some) >= 8, said, name)
        chosen = rng.permutation(len(some))[:count]
        errors.append(project(generator, some[chosen], seed=seed).error)
    means = [float(error.mean()) for error in errors]
    half = _NORMAL * np.sqrt(sum(error.var(ddof=1) / len(error) for error in errors))
    apart = means[1] - means[0]
    return Gap(*means, float(apart - half), float(apart + half))
