"""Lesson: compares a generator with one that draws principal coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gan import metrics, plots
from gan.errors import StrPath, expect_between, require
from gan.faces import load_faces
from gan.generators.trained import TrainedGenerator
from gan.lessons import Lesson
from gan.metrics.pca import PCA, chi2_density, chi2_distance, fit_pca

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COORDINATES = 49
_MOST = 10_000  # fakes of each kind


def run(
    pictures: StrPath, generator: TrainedGenerator, depth: int = 128, seed: int = 0
) -> Lesson:
    """Draw faces from principal coordinates, and the distributions of 49 of these.

    Args:
        pictures: str or `os.PathLike`, of the real faces, as `gan.faces.load_faces`
            reads them; at least 200 that vary along at least 49 axes.
        generator: `TrainedGenerator` of faces, as `gan.load_generator` gives it.
        depth: int from 49 to 256, number of coordinates of the PCA fakes.
        seed: int.

    Returns:
        `Lesson` of the figures "fakes" and "reconstructions", drawn from principal
        coordinates, "histograms" and "chi2".

    Raises:
        InvalidInput: if an argument is invalid.
    """
    expect_between(_COORDINATES, 256, depth=depth)
    real = load_faces(pictures).pictures
    said = f"The argument pictures must name at least 200 pictures, but {pictures} has "
    require(len(real) >= 200, f"{said}{len(real)}.", "pictures")
    components = fit_pca(real)
    varying = int((components.deviations[:_COORDINATES] > 0).sum())
    require(
        varying == _COORDINATES,
        "The argument pictures must name pictures that vary along at least "
        f"{_COORDINATES} axes, but those of {pictures} vary along {varying}.",
        "pictures",
    )
    count = min(len(real), _MOST)
    gan_fakes = generator.draw(count, seed=seed)
    pca_fakes = components.sample(count, depth, seed)
    fakes = {"PCA fakes": pca_fakes, "GAN fakes": gan_fakes}
    reconstructed = components.pictures(components.coordinates(real[:100], 128))
    title = f"fakes from {depth} independent principal coordinates"
    figures = {
        "fakes": plots.mosaic(pca_fakes[:100], title=title),
        "reconstructions": plots.mosaic(
            reconstructed, title="real faces from 128 principal coordinates"
        ),
        "histograms": _histograms(components, real),
        "chi2": _sums_of_squares(components, real, fakes, seed),
    }
    return Lesson(figures)


def _sums_of_squares(
    components: PCA, real: np.ndarray, fakes: dict[str, np.ndarray], seed: int
) -> Figure:
    """Draw the sums of the squared coordinates of each set, and the density of χ²."""
    whitened = components.coordinates(real, _COORDINATES)
    shuffled = np.random.default_rng(seed).permuted(whitened, axis=0)
    sets = {
        "real": real,
        "real, each coordinate shuffled": components.pictures(shuffled),
        **fakes,
    }
    lengths = {}
    for name, pictures in sets.items():
        coordinates = components.coordinates(pictures, _COORDINATES)
        law, gap = chi2_distance(coordinates), metrics.chi2_gap(real, pictures)
        distances = f"KS distance to χ² {law:.3f}, to real {gap:.3f}"
        lengths[f"{name}\n{distances}"] = (coordinates**2).sum(axis=1)
    x = np.linspace(1e-9, 150, 301)
    return plots.histograms_and_density(
        lengths,
        (x, chi2_density(x, _COORDINATES)),
        "density of χ²(49)",
        "sum of the squares of 49 whitened principal coordinates",
    )


def _histograms(components, real):
    """Draw a histogram of each coordinate of the real faces."""
    x = np.linspace(-4, 4, 201)
    columns = components.coordinates(real, _COORDINATES).T
    return plots.histograms_and_density(
        {str(i + 1): column for i, column in enumerate(columns)},
        (x, np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)),
        "density of N(0, 1)",
        "49 first principal coordinates of the real faces, whitened",
    )
