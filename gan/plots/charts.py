"""Charts of points, losses and distributions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gan.errors import expect_array, expect_number, expect_positive_int, require, shown
from gan.plots.figure import (
    BLUE,
    CYCLE,
    GREEN,
    GREY,
    PINK,
    VERMILLION,
    expect_some,
    new_figure,
    settle,
)
from gan.plots.pictures import as_pictures, draw_pictures, tile

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOSSES = {
    "discr_loss": {"label": "discriminator loss", "color": GREEN},
    "gen_loss": {"label": "generator loss", "color": PINK},
    "gp": {"label": "gradient penalty", "color": GREY, "linestyle": "--"},
}


def compare_losses(
    histories: Mapping[str, dict[str, list[float]]], title: str | None = None
) -> Figure:
    """Draws the loss curves of several models side by side.

    Args:
        histories: dict from names to dicts as in `losses`.
        title: str or None.

    Returns:
        `matplotlib.figure.Figure`.
    """
    expect_some(histories=histories)
    figure, panels = _panels(len(histories), title=title)
    for axes, (name, history) in zip(panels, histories.items(), strict=True):
        _draw_losses(axes, history)
        axes.set_title(name)
    return settle(figure)


def losses(
    history: dict[str, list[float]],
    title: str | None = None,
    healthy: Sequence[dict[str, list[float]]] = (),
) -> Figure:
    """Draws loss curves.

    Args:
        history: dict of sequences of equal length, one value per epoch, such as
            `model.history.history`, with the keys "discr_loss", "gen_loss" and
            optionally "gp". Curves have gaps at values that are not finite.
        title: str or None.
        healthy: several such dicts of successful runs, such as those from
            `gan.lessons.guide.healthy_histories`. Behind each curve, a band shows their
            range, stretched to the length of `history`.

    Returns:
        `matplotlib.figure.Figure`.
    """
    figure = new_figure(640, 400, title)
    axes = figure.add_subplot()
    _draw_losses(axes, history)
    for name in [name for name in LOSSES if healthy and name in healthy[0]]:
        values = np.array([run[name] for run in healthy])
        epochs = np.linspace(1, len(history["gen_loss"]), values.shape[1])
        band = values.min(axis=0), values.max(axis=0)
        axes.fill_between(epochs, *band, color=LOSSES[name]["color"], alpha=0.2)
    return settle(figure)


def side_by_side(
    runs: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike, dict[str, list[float]]]],
    title: str | None = None,
) -> Figure:
    """Draws points and losses of several runs, one column for each.

    Args:
        runs: dict from names to tuples of real points `(n, 2)`, fake points `(m, 2)`
            and a history as in `losses`.
        title: str or None.

    Returns:
        `matplotlib.figure.Figure`.
    """
    expect_some(runs=runs)
    figure = new_figure(400 * len(runs), 660, title)
    upper, lower = figure.subplots(2, len(runs), squeeze=False, height_ratios=(3, 2))
    for above, below, (name, run) in zip(upper, lower, runs.items(), strict=True):
        # Put the legend below the points, where it hides none.
        _draw_points(above, *run[:2], loc="upper center", bbox_to_anchor=(0.5, -0.1))
        above.set(title=name, xlabel=None, ylabel=None)
        # Both axes have the same scale, so that a circle is round.
        above.set_aspect("equal", adjustable="datalim")
        _draw_losses(below, run[2])
    return settle(figure)


def curves(
    panels: Mapping[str, Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]]],
    title: str | None = None,
) -> Figure:
    """Draws curves over epochs, in panels side by side.

    Args:
        panels: dict from the label of each panel's y axis to a dict of one to five
            curves, from names to pairs `(epochs, values)` of sequences of equal length.
        title: str or None.

    Returns:
        `matplotlib.figure.Figure`.
    """
    expect_some(panels=panels)
    figure, several = _panels(len(panels), title=title)
    for axes, (label, named) in zip(several, panels.items(), strict=True):
        _expect_few(label, named, "curves")
        for colour, (name, curve) in zip(CYCLE, named.items(), strict=False):
            _draw_curve(axes, *curve, color=colour, label=name)
        _finish_curves(axes, label)
    return settle(figure)


def _expect_few(name, several, kind):
    """Expect a panel with one to five parts, as there are five colours."""
    said = f"The panel {shown(name)} must have one to five {kind}, not {len(several)}."
    require(0 < len(several) <= len(CYCLE), said, "panels")


def grid(size: int = 64) -> np.ndarray:
    """The points at which `points_and_values` shows the discriminator.

    Args:
        size: int, number of points along each side.

    Returns:
        float32 array of shape `(size ** 2, 2)` with values in (0, 1), the centres of a
        grid of cells in the unit square; x changes faster than y.

    Example:

        values = discriminator(plots.grid(64)).numpy().reshape(64, 64)
    """
    expect_positive_int(size=size)
    x, y = np.meshgrid(*[(np.arange(size) + 0.5) / size] * 2)
    return np.float32(np.stack([x.ravel(), y.ravel()], axis=1))


def points_and_values(
    real: npt.ArrayLike,
    fake: npt.ArrayLike,
    values: npt.ArrayLike,
    history: dict[str, list[float]] | None = None,
    title: str | None = None,
) -> Figure:
    """Draws real and fake points over the discriminator's outputs, and the losses.

    Args:
        real: float array of shape `(n, 2)`.
        fake: float array of shape `(m, 2)`.
        values: float array of shape `(g, g)`, the discriminator's outputs on `grid(g)`:
            `values[i, j]` belongs to `x = (j + .5) / g` and `y = (i + .5) / g`.
        history: as for `losses`, or None to leave the losses out.
        title: str or None.

    Returns:
        `matplotlib.figure.Figure`.
    """
    values = expect_array((None, None), values=values)
    columns = 1 if history is None else 2
    figure, (left, *right) = _panels(columns, (550, 480), title=title)
    background = left.imshow(
        values, origin="lower", extent=(0, 1, 0, 1), cmap="Greys_r", alpha=0.4
    )
    figure.colorbar(background, ax=left, label="discriminator")
    _draw_points(left, real, fake)
    for axes in right:
        _draw_losses(axes, history)
    return settle(figure)


def coloured_points(
    real: npt.ArrayLike,
    fake: npt.ArrayLike,
    history: dict[str, list[float]] | None = None,
    title: str | None = None,
) -> Figure:
    """Draws real points beside fake ones, each in its own colour, and the losses.

    Args:
        real: float array of shape `(n, 5)`, columns x, y, r, g, b; colours are
            clipped to [0, 1].
        fake: float array of shape `(m, 5)`.
        history: as for `losses`, or None to leave the losses out.
        title: str or None.

    Returns:
        `matplotlib.figure.Figure`.
    """
    real = expect_array((None, 5), real=real)
    clouds = {"real": real, "fake": expect_array((None, 5), fake=fake)}
    columns = 2 if history is None else 3
    figure, (first, second, *right) = _panels(columns, (430, 430), (10, 0), title)
    second.sharex(first)
    second.sharey(first)
    for axes, (name, cloud) in zip((first, second), clouds.items(), strict=True):
        axes.scatter(*cloud[:, :2].T, s=8, linewidths=0, c=cloud[:, 2:].clip(0, 1))
        axes.update_datalim([(0, 0), (1, 1)])
        axes.set(title=name, xlabel="x", ylabel="y", box_aspect=1)
    for axes in right:
        _draw_losses(axes, history)
    return settle(figure)


def faces_and_values(
    pictures: npt.ArrayLike,
    values_real: npt.ArrayLike,
    values_fake: npt.ArrayLike,
    history: dict[str, list[float]] | None = None,
    title: str | None = None,
) -> Figure:
    """Draws fake pictures, the discriminator's outputs, and the losses.

    Args:
        pictures: as for `tile`; a row holds at most ten.
        values_real: float array of shape `(n,)` or `(n, 1)`, the discriminator's
            outputs on real pictures.
        values_fake: float array of shape `(m,)` or `(m, 1)`, its outputs on fake
            pictures.
        history: as for `losses`, or None to leave the losses out.
        title: str or None.

    Returns:
        `matplotlib.figure.Figure`.
    """
    pictures = as_pictures(pictures)
    values_real = _column(values_real=values_real)
    values_fake = _column(values_fake=values_fake)
    tiled = tile(pictures, min(len(pictures), 10))
    height = min(960 * tiled.shape[0] // tiled.shape[1], 400)
    figure = new_figure(1000, height + 400, title)
    above, below = figure.add_gridspec(2, 1, height_ratios=[height, 360])
    draw_pictures(figure.add_subplot(above), tiled)
    columns = below.subgridspec(1, 1 if history is None else 2)
    left, *right = columns.subplots(squeeze=False)[0]
    bins = np.histogram_bin_edges(np.concatenate([values_real, values_fake]), 30)
    style = {"bins": bins, "histtype": "stepfilled", "alpha": 0.6}
    left.hist(values_real, color=BLUE, label="real", **style)
    left.hist(values_fake, color=VERMILLION, label="fake", **style)
    left.set(xlabel="discriminator", ylabel="pictures")
    # Without loc, Matplotlib warns if finding the best place takes long.
    left.legend(loc="best")
    for axes in right:
        _draw_losses(axes, history)
    return settle(figure)


def histograms(
    panels: Mapping[str, Mapping[str, npt.ArrayLike]],
    label: str | None = None,
    title: str | None = None,
) -> Figure:
    """Draws overlaid histograms of sets of numbers, in panels side by side.

    Args:
        panels: dict from titles to dicts from names to arrays `(n,)` or `(n, 1)`, at
            most five in a panel. All bars of a panel have the same width, and each
            histogram has area 1.
        label: str or None, the label of the x axis.
        title: str or None.

    Returns:
        `matplotlib.figure.Figure`.

    Example:

        plots.histograms({"discriminator": {"real": real, "fake": fake}})
    """
    expect_some(panels=panels)
    figure, several = _panels(len(panels), (320, 260), (120, 60), title, columns=3)
    for axes, (name, sets) in zip(several, panels.items(), strict=True):
        _expect_few(name, sets, "sets")
        sets = {name: _column(**{name: values}) for name, values in sets.items()}
        bins = np.histogram_bin_edges(np.concatenate([*sets.values()]), 50)
        for colour, (which, values) in zip(CYCLE, sets.items(), strict=False):
            style = {"color": colour, "histtype": "stepfilled", "alpha": 0.6}
            axes.hist(values, bins, density=True, label=which, **style)
        axes.set(title=name, xlabel=label, ylabel="density")
        axes.legend(loc="best")
    return settle(figure)


def histograms_and_density(
    samples: Mapping[str, npt.ArrayLike],
    density: tuple[npt.ArrayLike, npt.ArrayLike],
    label: str,
    title: str | None = None,
) -> Figure:
    """Draws histograms side by side, each with the same density curve.

    Args:
        samples: dict from titles to arrays `(n,)`. The height of a bar is its share of
            all n, divided by its width. Numbers outside the x of the density are not
            shown.
        density: pair of arrays `(k,)`, rising x and the density at x.
        label: str, name of the density.
        title: str or None.

    Returns:
        `matplotlib.figure.Figure`.
    """
    expect_some(samples=samples)
    samples = {name: _column(samples=sample) for name, sample in samples.items()}
    x, y = (_column(density=values) for values in density)
    columns = math.ceil(math.sqrt(len(samples)))
    small = columns > 3
    width = 1050 / columns if small else 450
    shared = {"columns": columns, "sharex": True, "sharey": True}
    size = (width, 0.75 * width)
    figure, panels = _panels(len(samples), size, (0, 80), title, **shared)
    bins = np.linspace(x[0], x[-1], 31 if small else 61)
    for axes, (name, sample) in zip(panels, samples.items(), strict=True):
        weights = np.full(len(sample), 1 / (len(sample) * (bins[1] - bins[0])))
        bars = axes.hist(sample, bins, weights=weights, color=BLUE, alpha=0.6)
        (curve,) = axes.plot(x, y, color=VERMILLION)
        axes.set_title(name, fontsize=8 if small else 11)
        axes.tick_params(labelsize=7 if small else 9)
    # Put the legend below the panels, where it hides no bar.
    marks, names = [bars[2], curve], ["histogram", label]
    figure.legend(marks, names, loc="outside lower center", ncols=2)
    return settle(figure)


def discriminator_and_value(
    x: npt.ArrayLike,
    densities: tuple[npt.ArrayLike, npt.ArrayLike],
    found: npt.ArrayLike,
    best: npt.ArrayLike,
    value: npt.ArrayLike,
    limit: float,
    title: str | None = None,
) -> Figure:
    """Draws a discriminator in one dimension, the optimal one, and the game's value.

    Args:
        x: array `(k,)`, rising.
        densities: pair of arrays `(k,)`, the densities of real and fake examples at x.
        found: array `(k,)` in [0, 1], the discriminator's probability of "real" at x.
        best: array `(k,)` in [0, 1], the probability of the optimal discriminator.
        value: array `(epochs,)`, the value of the game in each epoch.
        limit: float, the value with the optimal discriminator.
        title: str or None.

    Returns:
        `matplotlib.figure.Figure`.
    """
    expect_number(limit=limit)
    real, fake = densities
    figure, (left, right) = _panels(2, (550, 430), title=title)
    left.fill_between(x, real, color=BLUE, alpha=0.3, label="density of reals, p")
    left.fill_between(x, fake, color=VERMILLION, alpha=0.3, label="density of fakes, q")
    left.plot(x, best, color="black", linestyle="--", label="best, p / (p + q)")
    left.plot(x, found, color=GREEN, label="discriminator, trained")
    left.set(xlabel="x", ylim=(0, 1.02))
    left.legend(loc="best")
    epochs, name = range(1, len(value) + 1), "value, in training"
    _draw_curve(right, epochs, value, color=GREEN, label=name)
    right.axhline(limit, color="black", linestyle="--", label="2 JS(p, q) − log 4")
    _finish_curves(right, "value")
    return settle(figure)


def _panels(count, size=(420, 400), margin=(0, 0), title=None, columns=None, **shared):
    """A figure with `count` panels of a size in pixels, row by row."""
    columns = min(columns or count, count)
    rows = math.ceil(count / columns)
    width, height = margin[0] + columns * size[0], margin[1] + rows * size[1]
    figure = new_figure(width, height, title)
    panels = figure.subplots(rows, columns, squeeze=False, **shared).ravel()
    for axes in panels[count:]:
        axes.set_axis_off()
    return figure, panels[:count]


def _draw_points(axes, real, fake, **legend):
    real, fake = expect_array((None, 2), real=real), expect_array((None, 2), fake=fake)
    axes.scatter(*real.T, s=8, color=BLUE, linewidths=0, label="real")
    axes.scatter(*fake.T, s=8, color=VERMILLION, linewidths=0, label="fake")
    axes.set(xlabel="x", ylabel="y")
    columns = 2 if legend else 1
    axes.legend(markerscale=2, **({"loc": "upper right", "ncols": columns} | legend))


def _draw_losses(axes, history):
    known = isinstance(history, dict) and {"discr_loss", "gen_loss"} <= history.keys()
    said = "The argument history must be a dict with discr_loss and gen_loss, but it is"
    require(known, f"{said} {shown(history)}.", "history")
    for name in [name for name in LOSSES if name in history]:
        epochs = range(1, len(history[name]) + 1)
        _draw_curve(axes, epochs, history[name], **LOSSES[name])
    _finish_curves(axes, "loss")


def _draw_curve(axes, epochs, curve, **style):
    # Axes cannot show numbers near the largest float, so the curve has a gap there.
    curve = np.where(np.abs(curve) < 1e100, curve, np.nan)
    # Dots make a curve of one epoch visible; in long curves they are left out.
    axes.plot(epochs, curve, marker="." if len(curve) <= 50 else "", **style)


def _finish_curves(axes, label):
    from matplotlib.ticker import MaxNLocator

    axes.set(xlabel="epoch", ylabel=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(alpha=0.3)
    if len(axes.lines) > 1:
        axes.legend(loc="best")


def _column(**named):
    """Expect a named array `(n,)` or `(n, 1)` of numbers; return it as `(n,)`."""
    ((name, value),) = named.items()
    array = np.asarray(value)
    array = array[:, 0] if array.shape[1:] == (1,) else array
    return expect_array((None,), **{name: array}).astype(np.float64)
