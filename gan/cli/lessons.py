"""Commands that show how GANs learn and fail: `lesson NAME`."""

from __future__ import annotations

import functools
import importlib
import pathlib
import sys
from json import dumps
from typing import TYPE_CHECKING, Any, Literal

from gan.cli.shared import expect_drawing, expect_output, import_tensorflow, loaded
from gan.errors import expect_between, expect_seed
from gan.generators.weights import PRETRAINED
from gan.support.files import expect_writable

if TYPE_CHECKING:
    from gan.lessons import Lesson

_MOST = 1_000_000  # epochs and runs


def circle(
    gan: Literal["Simple_GAN", "WGAN_clip", "WGAN_GP"] = "WGAN_GP",
    epochs: int = 16,
    course: bool = False,
    seed: int = 0,
    page: bool = False,
    output: str = "toys.png",
    show: bool = False,
) -> None:
    """Learn points on a circle, and four clouds of coloured points, in seconds."""
    expect_between(1, _MOST, epochs=epochs)
    path = expect_drawing(seed, output, *([".html"] if page else []))
    options = {"epochs": epochs, "course": course, "seed": seed, "verbose": _bar()}
    if page:
        html = expect_writable(path.with_suffix(".html"))
        _write(_module("circle").film(**options), [html])
    else:
        paths = _named(path, "circle", "clouds")
        _write(_module("circle").run(gan, **options), paths, show and "circle")


def cloud(
    epochs: int = 100,
    seeds: int = 3,
    seed: int = 0,
    output: str = "compare.png",
    show: bool = False,
    json: bool = False,
) -> None:
    """Train the three classes on the 49-dimensional cloud and compare them."""
    expect_between(1, _MOST, epochs=epochs, seeds=seeds)
    path = expect_drawing(seed, output)
    # Each run uses the next seed.
    expect_seed(2**32 - seeds + 1, seed=seed)
    # With JSON on stdout, progress goes to stderr.
    tell = functools.partial(print, file=sys.stderr) if json else print
    looking = sys.stderr.isatty()
    watch = functools.partial(print, end="\r", file=sys.stderr) if looking else None
    lesson = _module("cloud").run(epochs, seeds, seed, tell, watch)
    _write(lesson, [path], show and "losses", json)


def gaussian(
    epochs: int = 12, seed: int = 0, output: str = "gaussian.png", show: bool = False
) -> None:
    """Learn a Gaussian by six loss pairs, and compare them."""
    expect_between(1, _MOST, epochs=epochs)
    path = expect_drawing(seed, output)
    lesson = _module("gaussian").run(epochs, seed, _bar())
    _write(lesson, [path], show and "gaussian")


def theory(
    epochs: int = 20, seed: int = 0, output: str = "theory.png", show: bool = False
) -> None:
    """Train a discriminator against a fixed generator and compare it with theory."""
    expect_between(1, _MOST, epochs=epochs)
    path = expect_drawing(seed, output)
    lesson = _module("theory").run(epochs, seed, _bar())
    _write(lesson, [path], show and "theory")


def pca(
    pictures: str,
    depth: int = 128,
    generator: str = PRETRAINED,
    seed: int = 0,
    output: str = "pca.png",
    show: bool = False,
) -> None:
    """Compare a generator with one that draws principal coordinates."""
    expect_between(49, 256, depth=depth)
    path = expect_drawing(seed, output)
    paths = _named(path, "fakes", "reconstructions", "histograms", "chi2")
    drawing = loaded(generator, seed)
    lesson = _module("pca").run(pictures, drawing, depth, seed)
    _write(lesson, paths, show and "chi2")


def guide(seed: int = 0, output: str = "guide.html") -> None:
    """Write a page of the failures that everyone meets, and their cures."""
    expect_seed(2**32, seed=seed)
    path = expect_output(output, ".html")
    _write(_module("guide").run(seed), [path])


def _module(name: str) -> Any:
    import_tensorflow()
    return importlib.import_module(f"gan.lessons.{name}")


def _named(path, *names):
    """Writable paths beside `path`, each with a name added to its stem."""
    stem, ending = path.stem, path.suffix
    return [expect_writable(path.with_name(f"{stem}-{n}{ending}")) for n in names]


def _bar():
    # Show a bar on a terminal; if the output goes to a pipe, print only the paths.
    return int(sys.stdout.isatty())


def _write(
    lesson: Lesson,
    paths: list[pathlib.Path],
    show: str | Literal[False] = False,
    json: bool = False,
) -> None:
    """Print and write the results of a lesson; show one of its figures if asked."""
    from gan import plots

    if json or lesson.text:
        print(dumps(lesson.data) if json else lesson.text)
    print(*lesson.write(paths), sep="\n")
    if show:
        plots.show(lesson.figures[show])
