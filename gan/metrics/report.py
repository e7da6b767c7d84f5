"""Reports of all measures, with the floor that real examples reach."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from gan import metrics
from gan.metrics.pca import FEW, PCA, fit_pca

_DEPTH = 256  # number of principal coordinates in which large pictures are compared
_USUAL = 32 * 32 * 3  # number of values; distances of larger pictures are scaled to it
_LARGE = 4096  # number of values of a picture above which distances are scaled


def comparable(
    real: np.ndarray, pca: PCA | None = None
) -> Callable[[np.ndarray], np.ndarray]:
    """Makes a function that converts examples to vectors for comparison.

    Examples of more than 1,024 numbers are compared in their first 256 principal
    coordinates. If they have more than 4,096 numbers, the coordinates are multiplied by
    √(3072 / numbers), so that distances are comparable to those of 32×32 colour
    pictures.

    Args:
        real: array `(n, …)`, the real examples.
        pca: `PCA` of `real`, if it is known already.

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
    """Compares sets of fakes with real pictures, with floors and intervals.

    Args:
        pictures: float array `(N, h, w)` or `(N, h, w, 3)` in [0, 1], real pictures.
        generators: dict from names to callables, int n -> fakes `(n, …)`.
        seed: int, seed of the PCA generators and of the measures.
        tell: callable, called with a line of text at the start of each part.
        depths: ints, numbers of coordinates of the PCA generators to compare with.

    Returns:
        Tuple of a dict from names to the results of `metrics.evaluate`, PCA generators
        first, and a dict from these names to arrays of ten fakes, and from "real" to
        ten real pictures.
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
    """Formats reports as a table: value ± half the 95% interval, a row per measure.

    Args:
        reports: dict from names to results of `metrics.evaluate`.

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
