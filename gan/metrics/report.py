"""How good fakes are: every measure, beside the floor that the reals set."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from gan import metrics
from gan.metrics.pca import FEW, PCA, fit_pca

_DEPTH = 256  # principal coordinates that stand for more values
_USUAL = 32 * 32 * 3  # values in a picture, to which larger ones are scaled
_LARGE = 4096  # values in a picture from which on they are


def comparable(
    real: np.ndarray, pca: PCA | None = None
) -> Callable[[np.ndarray], np.ndarray]:
    """What brings examples to numbers by which they are compared.

    Examples of more than 1,024 numbers are compared by their 256 strongest principal
    coordinates, for which there are enough of them. Those of more than 4,096 are
    multiplied by √(3072 / numbers), so that distances mean what they mean between
    pictures of 32×32 in colour.

    Args:
        real: array `(n, …)`, the real examples.
        pca: `PCA` of them, where it is there already.

    Returns:
        Callable, examples `(m, …)` -> array `(m, d)`, or the examples themselves.
    """
    size = real[0].size
    if size <= FEW:
        return lambda some: some
    found = fit_pca(real, _DEPTH) if pca is None else pca
    scale = np.sqrt(_USUAL / size) if size > _LARGE else 1
    return lambda some: found.projections(some, _DEPTH) * scale


def evaluate_faces(
    pictures: np.ndarray,
    generators: dict[str, Callable[[int], np.ndarray]],
    seed: int = 0,
    tell: Callable[[str], object] = print,
    depths: Iterable[int] = (16, 128),
) -> tuple[dict[str, dict[str, dict[str, float]]], dict[str, np.ndarray]]:
    """Compare sets of fakes with real pictures, with floors and intervals.

    Args:
        pictures: float array `(N, h, w)` or `(N, h, w, 3)` in [0, 1], the real
            pictures.
        generators: dict from names to callables, int n -> fakes `(n, …)`.
        seed: int, of the PCA generators and of the measures.
        tell: callable that is given a line at the start of each part.
        depths: ints, of the PCA generators to compare with.

    Returns:
        dict from names to what `metrics.evaluate` gives, after the PCA generators, and
        a dict from names to ten fakes each for a picture.
    """
    pca = fit_pca(pictures, _DEPTH)
    rivals = {
        f"PCA, depth {depth}": lambda n, depth=depth: pca.sample(n, depth, seed)
        for depth in depths
        if depth <= len(pca.deviations)
    }

    compared = comparable(pictures, pca)
    real = compared(pictures)
    reports, shown = {}, {"real": pictures[:10]}
    for name, generate in (rivals | dict(generators)).items():
        tell(f"measuring {name} ...")
        fakes = generate(len(pictures) // 2)
        reports[name] = metrics.evaluate(real, compared(fakes), seed=seed)
        shown[name] = fakes[:10]
    return reports, shown


def table(reports: dict[str, dict[str, dict[str, float]]]) -> str:
    """Write reports as a table: a row a measure, value ± half the 95% interval.

    Args:
        reports: dict from names to what `metrics.evaluate` gives.

    Returns:
        str of several lines; the column "real" is the floor of the last report.
    """
    *_, last = reports.values()
    lines = ["".join(f"{name:>16}" for name in ("", "real", *reports))]
    for name, measure in metrics.MEASURES.items():
        factor, decimals = measure.factor, measure.decimals
        cells = [f"{factor * last[name]['floor']:.{decimals}f}"]
        for report in reports.values():
            value, high = (factor * report[name][f] for f in ("value", "high"))
            cells.append(f"{value:.{decimals}f} ±{high - value:.{decimals}f}")
        lines.append("".join(f"{cell:>16}" for cell in (measure.title, *cells)))
    return "\n".join(lines)
