"""Makes, saves and shows figures without pyplot; equal figures give equal files."""

from __future__ import annotations

import io
import pathlib
from collections.abc import Sized
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gan.errors import StrPath, expect_array, require, shown
from gan.support.files import atomic_path, expect_writable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which colour-blind people can distinguish.
BLUE, VERMILLION = "#0072B2", "#D55E00"
GREEN, PINK, GREY = "#009E73", "#CC79A7", "#666666"
CYCLE = [BLUE, VERMILLION, GREEN, PINK, GREY]

# Metadata of each format, to leave out the date and the program.
_METADATA = {
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    ".svg": {"Date": None, "Creator": None},
}

DPI = 100


def save(figure: Figure, path: StrPath) -> pathlib.Path:
    """Saves a figure to a file, completely or not at all.

    The same figure always gives the same bytes.

    Args:
        figure: `matplotlib.figure.Figure`.
        path: str or `os.PathLike` that ends in .png, .pdf or .svg; without a suffix,
            .png is added.

    Returns:
        `pathlib.Path` of the file.

    Raises:
        InvalidInput: if the suffix is another one or the path is not writable.
    """
    from matplotlib import rc_context

    path = expect_writable(path)
    path = path if path.suffix else path.with_suffix(".png")
    suffix = path.suffix.lower()
    known = ", ".join(_METADATA)
    said = f"The argument path must end in one of {known}, but it ends in {suffix}."
    require(suffix in _METADATA, said, "path")
    # Without a fixed salt, names in an SVG file are random.
    with atomic_path(path) as temporary, rc_context({"svg.hashsalt": "gan"}):
        figure.savefig(temporary, format=suffix[1:], metadata=_METADATA[suffix])
    return path


def write_png(picture: npt.ArrayLike, path: StrPath) -> pathlib.Path:
    """Saves one picture pixel by pixel, completely or not at all.

    Args:
        picture: float array `(h, w)` or, in colour, `(h, w, 3)`, clipped to [0, 1].
        path: str or `os.PathLike` that ends in .png.

    Returns:
        `pathlib.Path` of the file.

    Raises:
        InvalidInput: if the picture is not such an array, or the path does not end in
            .png.
    """
    from PIL import Image

    path = expect_writable(path)
    said = f"The argument path must end in .png, but it is {shown(str(path))}."
    require(path.suffix.lower() == ".png", said, "path")
    picture = expect_array((None, None, ...), picture=picture)
    fits = picture.ndim == 2 or picture.shape[2:] == (3,)
    said = "The argument picture must have the shape (h, w) or (h, w, 3), not "
    require(fits, f"{said}{picture.shape}.", "picture")
    array = np.rint(255 * np.clip(picture, 0, 1)).astype(np.uint8)
    with atomic_path(path) as temporary:
        Image.fromarray(array).save(temporary)
    return path


def pixels(figure: Figure) -> np.ndarray:
    """Draws a figure into an array, such as a frame of an animation.

    Args:
        figure: `matplotlib.figure.Figure`.

    Returns:
        uint8 array `(h, w, 3)`: red, green and blue.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3]


def show(figure: Figure) -> None:
    """Opens a window with a figure and waits until it is closed.

    Args:
        figure: `matplotlib.figure.Figure`.

    Raises:
        InvalidInput: if there is no screen to open a window on.
    """
    # Only pyplot finds out whether the chosen backend has a screen.
    import matplotlib.pyplot as plt
    from matplotlib.backends import BackendFilter, backend_registry

    # For None, pyplot would open an empty window.
    said = f"The argument figure must be a matplotlib Figure, not {shown(figure)}."
    require(hasattr(figure, "savefig"), said, "figure")
    screenless = backend_registry.list_builtin(BackendFilter.NON_INTERACTIVE)
    require(
        plt.get_backend().lower() not in screenless,
        "There is no screen to show the figure on: save it instead.",
    )
    # Before matplotlib 3.11, pyplot can show only its own figures.
    window = plt.figure(figsize=figure.get_size_inches(), dpi=DPI)
    window.figimage(pixels(figure))
    plt.show()


def expect_some(**named: Sized) -> None:
    """Expect a named dict that is not empty."""
    for name, several in named.items():
        said = f"The argument {name} must not be empty: give at least one entry."
        require(len(several) > 0, said, name)


def new_figure(width: float, height: float, title: str | None = None) -> Figure:
    """Make an empty figure of `width` by `height` pixels with an optional title."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    class Picture(Figure):
        """A figure that is displayed at the end of a notebook cell."""

        def _repr_png_(self):
            file = io.BytesIO()
            self.savefig(file, format="png")
            return file.getvalue()

    figure = Picture((width / DPI, height / DPI), dpi=DPI)
    figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)
    FigureCanvasAgg(figure)
    if title:
        figure.suptitle(title)
    return figure


def settle(figure: Figure) -> Figure:
    """Fix the layout of a figure."""
    # Otherwise each drawing would compute the layout again and shift the axes.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return figure
