"""Plots of GANs: functions from arrays to a matplotlib `Figure`.

Figures are made without pyplot. They are freed when nothing refers to them, and no
screen is needed until `show`.
"""

from gan.plots.charts import (
    coloured_points,
    compare_losses,
    curves,
    discriminator_and_value,
    faces_and_values,
    grid,
    histograms,
    histograms_and_density,
    losses,
    points_and_values,
    side_by_side,
)
from gan.plots.figure import pixels, save, show, write_png
from gan.plots.pictures import by_class, mosaic, panels, rows, strip, tile

__all__ = [
    "by_class",
    "coloured_points",
    "compare_losses",
    "curves",
    "discriminator_and_value",
    "faces_and_values",
    "grid",
    "histograms",
    "histograms_and_density",
    "losses",
    "mosaic",
    "panels",
    "pixels",
    "points_and_values",
    "rows",
    "save",
    "show",
    "side_by_side",
    "strip",
    "tile",
    "write_png",
]
