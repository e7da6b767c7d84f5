"""Measures of fakes against real examples: functions from arrays to numbers."""

from gan.metrics.distances import (
    chi2_gap,
    density_coverage,
    frechet_distance,
    kernel_distance,
    neighbour_ratio,
    precision_recall,
    principal_axes,
    sliced_wasserstein,
    two_sample_score,
    whitened_coordinates,
)
from gan.metrics.registry import (
    MEASURES,
    NAMES,
    Measure,
    evaluate,
    expect_names,
    measures,
)

__all__ = [
    "MEASURES",
    "NAMES",
    "Measure",
    "chi2_gap",
    "density_coverage",
    "evaluate",
    "expect_names",
    "frechet_distance",
    "kernel_distance",
    "measures",
    "neighbour_ratio",
    "precision_recall",
    "principal_axes",
    "sliced_wasserstein",
    "two_sample_score",
    "whitened_coordinates",
]
