"""How far fakes are from reals: arrays in, numbers out."""

from gan.metrics.distances import (
    NAMES,
    chi2_gap,
    density_coverage,
    evaluate,
    expect_names,
    frechet_distance,
    kernel_distance,
    measures,
    neighbour_ratio,
    precision_recall,
    principal_axes,
    sliced_wasserstein,
    two_sample_score,
    whitened_coordinates,
)

__all__ = [
    "NAMES",
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
