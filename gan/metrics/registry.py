"""A table of all measures of fakes, and functions that compute them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from gan.errors import expect_array, expect_seed, require, shown
from gan.metrics.distances import (
    chi2_gap,
    density_coverage,
    flat,
    frechet_distance,
    kernel_distance,
    neighbour_ratio,
    precision_recall,
    principal_axes,
    sliced_wasserstein,
    two_sample_score,
    whitened_coordinates,
)

_RESAMPLES = 20
_STUDENT = 2.093  # 97.5% point of Student's t with _RESAMPLES - 1 degrees of freedom


@dataclasses.dataclass(frozen=True)
class Measure:
    """A measure of fakes against real examples.

    Attributes:
        name: str, its name in Python.
        title: str, its name in a table.
        function: callable, two arrays `(n, …)` and the arguments in `needs` -> float or
            tuple of floats.
        needs: tuple of str: "axes" and "seed" are arguments of the function; "train"
            means that the real examples must be the training set.
        larger_is_better: bool, or `None` if values can be too small or too large.
        most: int, largest number of examples that it uses of each set; `None` for all.
        part: int, index of the measure in the tuple that the function returns.
        factor, decimals: ints, factor and number of decimals in a table.
    """

    name: str
    title: str
    function: Callable[..., Any]
    needs: tuple[str, ...] = ()
    larger_is_better: bool | None = False
    most: int | None = None
    part: int = 0
    factor: int = 1
    decimals: int = 3

    def values(
        self, real: np.ndarray, fake: np.ndarray, axes: Any, seed: int
    ) -> np.ndarray:
        """All floats that the function returns; this measure is one of them."""
        given = {"axes": axes, "seed": seed}
        needed = {name: given[name] for name in self.needs if name in given}
        return np.atleast_1d(self.function(real, fake, **needed))


def _whitened_frechet_distance(real, fake, axes):
    both = (whitened_coordinates(points, axes) for points in (real, fake))
    return frechet_distance(*both)


_ROOM = {"needs": ("axes",), "larger_is_better": True, "most": 4000}
_TABLE = [
    Measure("sw2", "SW2", sliced_wasserstein, ("seed",), decimals=4),
    Measure("fd", "FD", frechet_distance),
    Measure("fd49", "FD49", _whitened_frechet_distance, ("axes",), decimals=2),
    Measure("kid", "KID*1000", kernel_distance, most=3000, factor=1000, decimals=2),
    Measure("precision", "precision", precision_recall, **_ROOM),
    Measure("recall", "recall", precision_recall, part=1, **_ROOM),
    Measure("density", "density", density_coverage, **_ROOM),
    Measure("coverage", "coverage", density_coverage, part=1, **_ROOM),
    Measure("chi2", "chi2 gap", chi2_gap, ("axes",)),
    Measure(
        "neighbour_ratio", "neighbour ratio", neighbour_ratio, ("train",), None, 2000
    ),
    Measure("two_sample", "two-sample", two_sample_score, ("seed", "axes"), most=5000),
]
MEASURES: dict[str, Measure] = {measure.name: measure for measure in _TABLE}
NAMES = tuple(MEASURES)


def measures(
    real: npt.ArrayLike,
    fake: npt.ArrayLike,
    names: Iterable[str] = NAMES,
    seed: int = 0,
    axes: tuple[np.ndarray, np.ndarray] | None = None,
) -> dict[str, float]:
    """Computes some measures of fakes, without intervals.

    Args:
        real, fake: arrays `(n, ...)`, `(m, ...)`, at least 8 examples each; for
            "neighbour_ratio", `real` must be the training set.
        names: iterable of str, from `NAMES`.
        seed: int, seed of `sw2` and `two_sample`; the others use the seed 0.
        axes: result of `principal_axes`; `None` takes the axes of `real`.

    Returns:
        Dict from names to floats, in the order of `names`.

    Raises: InvalidInput for invalid arguments.
    """
    names = expect_names(names)
    real, fake = flat(8, real=real, fake=fake)
    if axes is None and any("axes" in MEASURES[name].needs for name in names):
        axes = principal_axes(real)
    found = {}
    for several in _by_function(names):
        values = several[0].values(real, fake, axes, seed)
        found |= {one.name: float(values[one.part]) for one in several}
    return {name: found[name] for name in names}


def expect_names(names: Iterable[str]) -> tuple[str, ...]:
    """Expect an iterable of names of measures; return them as a tuple."""
    several = tuple(names) if np.iterable(names) and not isinstance(names, str) else ()
    known = several and all(isinstance(one, str) and one in NAMES for one in several)
    require(
        known and len({*several}) == len(several),
        f"The argument names must hold different names among {', '.join(NAMES)}, but "
        f"it is {shown(names)}.",
        "names",
    )
    return several


def evaluate(
    real: npt.ArrayLike, fake: npt.ArrayLike, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Computes all measures of fakes, and of other reals as a floor.

    `real` is shuffled and split into a reference half and a floor half of n examples
    each, n = min(len(real) // 2, len(fake)). Both n random fakes and the floor half are
    compared with the reference. The principal axes are those of all of `real`. For
    `neighbour_ratio`, fakes are compared with all of `real`, and the floor half with
    the reference.

    Args:
        real: array `(N, ...)`, N >= 24.
        fake: array `(M, ...)`, M >= 12.
        seed: int, seed of the split and of everything drawn.

    Returns:
        Dict of `sw2`, `fd`, `fd49` (Fréchet distance in whitened coordinates), `kid`,
        `precision`, `recall`, `density`, `coverage`, `chi2`, `neighbour_ratio`,
        `two_sample`; each a dict of floats `value`, `low`, `high`, `floor`. Low and
        high are `value ± 2.093 s`, a 95% interval: s is the standard deviation over 20
        random halves, without repetition, of the examples that the value used
        (delete-half jackknife; 2.093 from Student's t). The interval describes the
        variation over examples, not over trainings. On faces, s was 0.95 to 1.7 times
        the standard deviation over fresh draws; it was too large mostly near the floor.

    Raises: InvalidInput for invalid arguments.

    Reference: Shao & Wu 1989, "A General Theory for Jackknife Variance Estimation".
    """
    # A quarter of 24 is 6: a point and the 5 neighbours that coverage needs.
    real = expect_array((None, None, ...), 24, real=real)
    real, fake = flat(12, real=real, fake=fake)
    expect_seed(seed=seed)
    rng = np.random.default_rng(seed)
    real, fake = rng.permutation(real), rng.permutation(fake)
    n = min(len(real) // 2, len(fake))
    reference, floor, axes = real[:n], real[n : 2 * n], principal_axes(real)
    report = {}
    for several in _by_function(NAMES):
        # Cut the sets to what the measure uses, so that each half is half of that.
        measure, most = several[0], min(several[0].most or n, n)
        against = real if "train" in measure.needs else reference[:most]
        sets = against, fake[:most]
        value = measure.values(*sets, axes, seed)
        least = measure.values(against[:n], floor[:most], axes, seed)
        halves = []
        for _ in range(_RESAMPLES):
            half = (rng.permutation(points)[: len(points) // 2] for points in sets)
            halves.append(measure.values(*half, axes, seed))
        width = _STUDENT * np.std(halves, axis=0, ddof=1)
        columns = np.transpose([value, value - width, value + width, least]).tolist()
        for one in several:
            fields = ("value", "low", "high", "floor")
            report[one.name] = dict(zip(fields, columns[one.part], strict=True))
    return report


def _by_function(names):
    """Group the measures of these names by their function."""
    found = {}
    for name in names:
        found.setdefault(MEASURES[name].function, []).append(MEASURES[name])
    return found.values()
