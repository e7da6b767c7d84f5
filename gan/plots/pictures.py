"""Plots of many pictures: tiles, mosaics, strips and rows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gan.errors import expect_positive_int, require
from gan.plots.figure import expect_some, new_figure, settle

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LETTER = 7  # width of a letter in pixels
_MOST_LETTERS = 20  # largest number of letters of a name to show


def tile(
    pictures: npt.ArrayLike, columns: int | None = None, scale: int = 1
) -> np.ndarray:
    """Arranges pictures in one array, row by row.

    Values outside [0, 1] are clipped. The pictures are separated by one white pixel.

    Args:
        pictures: float array of shape `(n, h, w)`, `(n, h, w, 1)` or, in
            colour, `(n, h, w, 3)`, with values in [0, 1].
        columns: int, number of pictures in a row. Defaults to `ceil(sqrt(n))`.
        scale: int, factor by which each pixel is repeated along both sides.

    Returns:
        float32 array of shape `(H, W)` or, in colour, `(H, W, 3)` with values in
        [0, 1].
    """
    pictures = as_pictures(pictures)
    n, h, w, *channels = pictures.shape
    columns = math.ceil(math.sqrt(n)) if columns is None else columns
    expect_positive_int(columns=columns, scale=scale)
    rows = math.ceil(n / columns)
    tiles = np.ones((rows * columns, h + 1, w + 1, *channels), np.float32)
    tiles[:n, :h, :w] = pictures
    tiles = tiles.reshape(rows, columns, h + 1, w + 1, *channels).swapaxes(1, 2)
    tiles = tiles.reshape(rows * (h + 1), columns * (w + 1), *channels)[:-1, :-1]
    return tiles.repeat(scale, axis=0).repeat(scale, axis=1)


def mosaic(
    pictures: npt.ArrayLike, columns: int | None = None, title: str | None = None
) -> Figure:
    """Draws pictures row by row as one image.

    The grey scale is fixed: in every picture, 0 is black and 1 is white, and values
    outside are clipped. The pictures are separated by one white pixel. Each pixel takes
    a whole number of screen pixels.

    Args:
        pictures: as for `tile`.
        columns: as for `tile`.
        title: str or None.

    Returns:
        `matplotlib.figure.Figure`.

    Example:

        plots.save(plots.mosaic(pictures, title="fake faces"), "faces.png")
    """
    tiled = tile(pictures, columns)
    height, width = tiled.shape[:2]
    scale = min(max(700 // max(height, width), 2), 8)
    margin, top = 10, 40 if title else 10
    full_width = max(scale * width + 2 * margin, 340)
    full_height = scale * height + top + margin
    figure = new_figure(full_width, full_height)
    figure.set_layout_engine("none")
    box = [(full_width - scale * width) // 2, margin, scale * width, scale * height]
    axes = figure.add_axes(np.divide(box, [full_width, full_height] * 2))
    draw_pictures(axes, tiled)
    axes.set_title(title or "")
    return figure


def strip(pictures: npt.ArrayLike, title: str | None = None) -> Figure:
    """Draws pictures in one row, such as those of a walk through latent space.

    Args:
        pictures: as for `tile`.
        title: str or None.

    Returns:
        `matplotlib.figure.Figure`.
    """
    pictures = as_pictures(pictures)
    return mosaic(pictures, columns=len(pictures), title=title)


def rows(pictures: Mapping[str, npt.ArrayLike], title: str | None = None) -> Figure:
    """Draws sets of pictures below each other, one named row for each.

    Args:
        pictures: dict from names to arrays as for `tile`, of equal length.
        title: str or None.

    Returns:
        `matplotlib.figure.Figure`.
    """
    expect_some(pictures=pictures)
    checked = [as_pictures(some) for some in pictures.values()]
    shapes = {some.shape for some in checked}
    said = f"The argument pictures must hold pictures of one shape, but has {shapes}."
    require(len(shapes) == 1, said, "pictures")
    tiled = tile(np.concatenate(checked), len(checked[0]))
    beside = _LETTER * max(map(len, pictures)) + 40
    height = 70 + 880 * len(checked) // len(checked[0])
    figure = new_figure(880 + beside, height, title)
    axes = figure.add_subplot()
    draw_pictures(axes, tiled)
    height = tiled.shape[0] / len(checked)
    for row, name in enumerate(pictures):
        middle = (row + 0.5) * height
        axes.text(-2, middle, name, ha="right", va="center")
    return settle(figure)


def panels(
    pictures: Mapping[str, npt.ArrayLike],
    columns: int,
    names: Sequence[str] | None = None,
) -> Figure:
    """Draws sets of pictures side by side, each below its title.

    Each pixel takes a whole number of screen pixels.

    Args:
        pictures: dict from titles to arrays as for `tile`, of equal numbers of rows.
        columns: int, number of pictures in a row of each set.
        names: sequence of str, names of the columns, such as classes; `None` for no
            names.

    Returns:
        `matplotlib.figure.Figure`.
    """
    expect_some(pictures=pictures)
    tiles = [tile(some, columns) for some in pictures.values()]
    heights = {len(one) for one in tiles}
    said = "The argument pictures must hold sets of equally many rows of pictures."
    require(len(heights) == 1, said, "pictures")
    height, widths = max(heights), [one.shape[1] for one in tiles]
    scale = min(max(1400 // sum(widths), 1), 4)
    margin, gap, line = 10, 30, 26
    most = max(map(len, names)) if names is not None else 0
    # Names that are wider than their columns are rotated.
    upright = most * _LETTER > scale * widths[0] / columns
    above = line * (most > 0) if not upright else _LETTER * min(most, _MOST_LETTERS) + 8
    full_height = scale * height + line + above + margin
    full_width = scale * sum(widths) + gap * (len(tiles) - 1) + 2 * margin
    figure = new_figure(full_width, full_height)
    figure.set_layout_engine("none")
    left = margin
    for title, one, width in zip(pictures, tiles, widths, strict=True):
        box = [left, margin, scale * width, scale * height]
        axes = figure.add_axes(np.divide(box, [full_width, full_height] * 2))
        draw_pictures(axes, one)
        middle, top = left + scale * width / 2, full_height - line / 2
        figure.text(
            middle / full_width, top / full_height, title, ha="center", va="center"
        )
        for column, name in enumerate([] if names is None else names):
            place = left + scale * (column + 0.5) * (width + 1) / columns
            bottom = scale * height + margin + 4
            figure.text(
                place / full_width,
                bottom / full_height,
                _shortened(name),
                ha="center",
                va="bottom",
                size=8,
                rotation=90 if upright else 0,
                parse_math=False,
            )
        left += scale * width + gap
    return figure


def _shortened(name):
    return name if len(name) <= _MOST_LETTERS else f"{name[: _MOST_LETTERS - 1]}…"


def by_class(
    pictures: npt.ArrayLike,
    labels: npt.ArrayLike,
    names: Sequence[str],
    title: str | None = None,
) -> Figure:
    """Draws pictures class by class, each class after its name.

    A class takes one line or several, and many classes are arranged in several columns,
    so that the figure is nearly square.

    Args:
        pictures: as for `tile`.
        labels: int array `(n,)`, the class of each picture.
        names: sequence of str, names of the classes. Classes without pictures are left
            out.
        title: str or None.

    Returns:
        `matplotlib.figure.Figure`.
    """
    pictures, labels = as_pictures(pictures), np.asarray(labels)
    known = labels.shape == (len(pictures),) and {*labels.tolist()} <= {
        *range(len(names))
    }
    said = "The argument labels must hold one index of names for each picture."
    require(known, said, "labels")
    rows = [pictures[labels == label] for label in np.unique(labels)]
    named = [names[label] for label in np.unique(labels)]
    height, width = pictures.shape[1:3]
    longest = max(map(len, rows))
    text = 16 + _LETTER * min(max(map(len, named)), _MOST_LETTERS)
    scale = max(1, min(8, 700 // (math.isqrt(len(pictures)) * max(height, width))))
    scale = max(scale, math.ceil(16 / height))
    shape = height + 1, width + 1
    lines, blocks = _layout(len(rows), longest, np.multiply(shape, scale), text)
    columns, deep = math.ceil(longest / lines), math.ceil(len(rows) / blocks)
    across = text + columns * (width + 1) * scale
    down = (lines * (height + 1) + 2) * scale
    top = 40 if title else 10
    size = blocks * across + 10, deep * down + top + 10
    figure = new_figure(*size)
    figure.set_layout_engine("none")
    for number, (row, name) in enumerate(zip(rows, named, strict=True)):
        block, place = divmod(number, deep)
        tiled = tile(row, min(columns, len(row)))
        tall, wide = np.multiply(tiled.shape[:2], scale)
        left, bottom = block * across + text, size[1] - top - place * down - tall
        box = np.divide([left, bottom, wide, tall], size * 2)
        draw_pictures(figure.add_axes(box), tiled)
        middle = np.divide((left - 6, bottom + tall / 2), size)
        style = {"ha": "right", "va": "center", "fontsize": 9, "parse_math": False}
        figure.text(*middle, _shortened(name), **style)
    if title:
        figure.suptitle(title, y=1 - 20 / size[1], va="center")
    return figure


def _layout(classes, longest, cell, text):
    """Lines of each class and columns of classes that fit into the smallest square."""

    def sides(choice):
        lines, blocks = choice
        wide = blocks * (text + math.ceil(longest / lines) * cell[1])
        tall = math.ceil(classes / blocks) * lines * cell[0]
        return max(wide, tall), wide * tall

    lines = range(1, min(longest, math.isqrt(longest) * 2) + 1)
    blocks = range(1, min(classes, math.isqrt(classes) * 2) + 1)
    return min(itertools.product(lines, blocks), key=sides)


def draw_pictures(axes: Any, tiled: np.ndarray) -> None:
    """Draw a picture into axes, one pixel per number, on a fixed grey scale."""
    axes.imshow(tiled, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_axis_off()


def as_pictures(pictures: npt.ArrayLike) -> np.ndarray:
    """Check pictures; return them as float array `(n, h, w)` or `(n, h, w, 3)`."""
    array = np.asarray(pictures)
    shape = array.shape
    images = array.size and (array.ndim == 3 or array.ndim == 4 and shape[3] in [1, 3])
    # Pictures with values 0…255 would be all white.
    require(
        images and array.dtype.kind == "f",
        "The argument pictures must hold floats in [0, 1] of the shape (n, h, w), "
        f"(n, h, w, 1) or (n, h, w, 3), but it is {array.dtype} of shape {shape}.",
        "pictures",
    )
    finite = np.isfinite(array).all()
    require(finite, "The argument pictures must hold no NaN or infinity.", "pictures")
    array = array.clip(0, 1).astype(np.float32)
    return array[..., 0] if shape[3:] == (1,) else array
