"""Compares how well a generator reproduces training and held-out pictures."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from gan.errors import StrPath, expect_between, expect_seed, require
from gan.generators.given import given_examples
from gan.generators.project import project

_NORMAL = 1.96  # standard deviations on either side cover 95% of a normal distribution


@dataclasses.dataclass(frozen=True)
class Gap:
    """Projection errors of training pictures and of held-out pictures.

    Attributes:
        trained: float in [0, 1], mean projection error of training pictures.
        withheld: float in [0, 1], mean projection error of held-out pictures.
        low: float, lower end of a 95% interval of the difference withheld − trained.
        high: float, upper end of this interval.
    """

    trained: float
    withheld: float
    low: float
    high: float

    @property
    def copies(self) -> bool:
        """Whether held-out errors are clearly larger, by more than a quarter."""
        return self.low > 0 and self.withheld > 1.25 * self.trained

    def __str__(self) -> str:
        half = (self.high - self.low) / 2
        return (
            f"the error of projections is {self.trained:.4f} for training pictures and "
            f"{self.withheld:.4f} for held-out ones, a difference of "
            f"{self.withheld - self.trained:+.4f} ±{half:.4f}"
        )


def projection_gap(
    generator: Any,
    trained: npt.ArrayLike | StrPath,
    withheld: npt.ArrayLike | StrPath,
    count: int = 100,
    seed: int = 0,
) -> Gap:
    """Projects training pictures and held-out pictures, and compares the errors.

    A generator that has memorised its training pictures reproduces them better than
    other pictures of the same kind.

    Args:
        generator: `gan.TrainedGenerator`.
        trained: pictures of the training set, as `TrainedGenerator.project` takes them.
        withheld: pictures of the same kind that are not in the training set.
        count: int, at least 8, largest number of pictures of each kind, chosen at
            random.
        seed: int from 0 to 2³² − 1, seed of the choice.

    Returns:
        `Gap`.

    Raises:
        InvalidInput: if an argument is invalid.

    Formula:
        m₂ − m₁ ± 1.96 √(s₁² / n₁ + s₂² / n₂), m the mean, s the standard deviation and
        n the number of the errors, index 1 for training and 2 for held-out pictures

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
