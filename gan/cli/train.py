"""The command that trains: from pictures to generators."""

from __future__ import annotations

import contextlib
import importlib.util
import pathlib
import time
from collections.abc import Iterator

from gan.cli.shared import expect_output, import_tensorflow
from gan.errors import expect_number, require
from gan.recipes.record import RECIPES
from gan.recipes.run import expect_run, train_recipe
from gan.recipes.train import chosen
from gan.support.files import atomic_path, expect_writable

# Options that only some recipes have; the last two belong to `--prepare` alone.
_OF_SOME = ("size", "grey", "unlabelled", "augment", "captions", "long")
_OF_SOME += ("until_course", "lfw", "keep")


def train(
    pictures: str | None = None,
    output: str | None = None,
    minutes: float | None = None,
    size: str | None = None,
    recipe: str = "auto",
    pairs: str | None = None,
    unpaired: str | None = None,
    from_: str | None = None,
    long: bool = False,
    grey: bool = False,
    unlabelled: bool = False,
    augment: bool = False,
    captions: str | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    seed: int = 0,
    restart: bool = False,
    until_course: bool = False,
    quiet: bool = False,
    prepare: bool = False,
    lfw: bool = False,
    keep: float | None = None,
) -> None:
    """Train a generator on the user's own pictures, or train a published system."""
    given = {"command": "train"} | locals()
    if prepare:
        _prepare(pictures, lfw, keep, output or "pictures.npy")
        return
    if recipe == "list":
        print("\n".join(f"{name:13}  {title}" for name, title in RECIPES.items()))
        return
    own = {name: given[name] for name in _OF_SOME} | {"size": _sides(size)}
    own |= {"pairs": pairs, "unpaired": unpaired, "condition": from_}
    recipe, options = chosen(recipe, pictures, own, minutes)
    pictures = next((one for one in (pairs, unpaired) if one is not None), pictures)
    sentence = "The argument output is missing: give a folder by --output DIR."
    require(output is not None, sentence, "output")
    options["minutes"] = minutes
    expect_run(recipe, output, epochs, steps, seed, minutes)
    import_tensorflow(side_by_side=True)
    start = time.perf_counter()
    numbers = (epochs, steps, seed, restart, 0 if quiet else "auto")
    with _stoppable(pathlib.Path(output)):
        paths = train_recipe(recipe, output, pictures, *numbers, given=given, **options)
    print(f"{recipe}: {time.perf_counter() - start:.0f} s in this call")
    print(*paths, sep="\n")


def _sides(size):
    """A size of the command line, "32" or "64x48", as `gan.train` takes it."""
    if size is None:
        return None
    sides = size.split("x")
    # Python converts no number of thousands of digits.
    if not all(side.isdecimal() and len(side) < 9 for side in sides):
        return size
    return int(size) if len(sides) == 1 else (*map(int, sides),)


@contextlib.contextmanager
def _stoppable(directory: pathlib.Path) -> Iterator[None]:
    """In this context, a message after Ctrl-C says whether the run can be resumed."""
    before = _checkpoints(directory)
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        # An older checkpoint may belong to the run that a restart was to delete.
        if _checkpoints(directory) - before:
            print(
                "\nStopped and saved. Give the same command again, without --restart, "
                "to continue; with more --minutes or --epochs it trains for longer."
            )
        else:
            print("\nStopped before anything new was saved.")
        raise


def _checkpoints(directory):
    """The checkpoints of a run or of its parts, and when they were written."""
    names = ("checkpoints/epoch-*.keras", "*/checkpoints/epoch-*.keras")
    paths = [path for name in names for path in directory.glob(name)]
    return {(path, path.stat().st_mtime_ns) for path in paths}


def _prepare(pictures, lfw, keep, output):
    """Write pictures in the form that the recipe gan takes: grey, 16×16 pixels."""
    path = expect_output(output, ".npy")
    sheet = expect_writable(path.with_suffix(".png"))
    sentence = "Give either --pictures PATH or --lfw with --prepare."
    require(lfw != (pictures is not None), sentence, "pictures")
    keep = (0.5 if lfw else 1) if keep is None else keep
    expect_number(0, 1, keep=keep)
    import numpy as np

    from gan import plots
    from gan.data.pictures import read_pictures

    source = _downloaded_lfw() if lfw else pictures
    read = read_pictures(source, (16, 16), colour=False, labelled=False, keep=keep)
    with atomic_path(path) as temporary:
        np.save(temporary, read.pictures[..., 0])
    print(read.said)
    print(path)
    shown = read.floats()[:100]
    title = f"the first {len(shown)} of {len(read.pictures)}"
    print(plots.save(plots.mosaic(shown, title=title), sheet))


def _downloaded_lfw():
    """The folder of the funneled pictures of LFW, downloaded if needed."""
    found = importlib.util.find_spec("sklearn") is not None
    sentence = "--lfw needs scikit-learn (pip install scikit-learn)."
    require(found, sentence, "lfw")
    from sklearn.datasets import fetch_lfw_people, get_data_home

    # It downloads all pictures, and then loads those of people who have many: here as
    # few as possible.
    fetch_lfw_people(min_faces_per_person=500, resize=0.1)
    return pathlib.Path(get_data_home(), "lfw_home", "lfw_funneled")
