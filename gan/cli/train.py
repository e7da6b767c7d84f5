"""The command that trains: from pictures to generators."""

from __future__ import annotations

import contextlib
import importlib.util
import pathlib
import time
from collections.abc import Iterator

from gan.cli.shared import expect_output, import_tensorflow, verbose
from gan.errors import expect_choice, expect_number, expect_path, require
from gan.recipes.record import RECIPES
from gan.recipes.run import expect_run, train_recipe
from gan.support.files import atomic_path, expect_writable

_OWN_PICTURES = ("auto", "gan", "course", "r3gan")
_OF_R3GAN = ("size", "grey", "unlabelled", "augment")
_OF_FACES = ("long", "until_course")


def train(
    pictures: str | None = None,
    output: str | None = None,
    recipe: str = "auto",
    long: bool = False,
    size: int | None = None,
    grey: bool = False,
    unlabelled: bool = False,
    augment: bool = False,
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
    recipe, options = _chosen(given), {}
    if recipe == "r3gan":
        options = {"size": size, "colour": False if grey else None}
        options |= {"labelled": not unlabelled, "augment": augment}
    elif recipe in _OWN_PICTURES:
        options = {"variant": "long" if long else recipe, "until_course": until_course}
        recipe = "faces"
    expect_run(recipe, output, epochs, steps, seed)
    import_tensorflow(side_by_side=True)
    start = time.perf_counter()
    numbers = (epochs, steps, seed, restart, 0 if quiet else verbose())
    with _stoppable(pathlib.Path(output)):
        paths = train_recipe(recipe, output, pictures, *numbers, given=given, **options)
    print(f"{recipe}: {time.perf_counter() - start:.0f} s this call")
    print(*paths, sep="\n")


def _chosen(given):
    """Choose the recipe, and refuse options that it does not have."""
    recipe, pictures, size = given["recipe"], given["pictures"], given["size"]
    expect_choice([*_OWN_PICTURES, *RECIPES], recipe=recipe)
    sentence = "The argument output is missing: --output DIR is where to train."
    require(given["output"] is not None, sentence, "output")
    require(
        size is None or size in range(8, 1025, 4),
        f"The argument size must be a multiple of 4 from 8 to 1024, but it is {size}.",
        "size",
    )
    if recipe in _OWN_PICTURES:
        sentence = "The argument pictures is missing: --pictures PATH is what to learn."
        require(pictures is not None, sentence, "pictures")
    if recipe == "auto":
        plain = not any(given[name] for name in _OF_R3GAN)
        recipe = "gan" if plain and _are_faces(pictures) else "r3gan"
    own = {"r3gan": _OF_R3GAN, "gan": _OF_FACES, "course": _OF_FACES[1:]}
    for name in (*_OF_R3GAN, *_OF_FACES, "lfw", "keep"):
        option = name.replace("_", "-")
        sentence = f"--{option} does not apply to the recipe {recipe}."
        require(name in own.get(recipe, ()) or not given[name], sentence, name)
    return recipe


def _are_faces(pictures):
    """Whether there is an array of 16x16 grey pictures without labels at the path."""
    from gan.data.arrays import read_labels, read_picture_array

    path = expect_path(pictures=pictures)
    require(path.exists(), f"There is nothing at {pictures}.", "pictures")
    if path.is_dir():
        return False
    array = read_picture_array(path, (1, 3))
    return array.shape[1:] == (16, 16) and read_labels(path, len(array)) is None


@contextlib.contextmanager
def _stoppable(directory: pathlib.Path) -> Iterator[None]:
    """Say, where a training in a folder is stopped, whether it goes on from there."""
    before = _checkpoints(directory)
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        # An older one may be of the run that a restart was to forget.
        if _checkpoints(directory) - before:
            print("\nStopped and saved. The same command, without --restart, goes on.")
        else:
            print("\nStopped before anything new was saved.")
        raise


def _checkpoints(directory):
    """The checkpoints of a run or of its parts, and when they were written."""
    names = ("checkpoints/epoch-*.keras", "*/checkpoints/epoch-*.keras")
    paths = [path for name in names for path in directory.glob(name)]
    return {(path, path.stat().st_mtime_ns) for path in paths}


def _prepare(pictures, lfw, keep, output):
    """Write pictures as the grey ones of 16×16 pixels that the recipe gan takes."""
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
    """Folder of the funneled pictures of LFW, downloaded if need be."""
    found = importlib.util.find_spec("sklearn") is not None
    sentence = "--lfw needs scikit-learn (pip install scikit-learn)."
    require(found, sentence, "lfw")
    from sklearn.datasets import fetch_lfw_people, get_data_home

    # It downloads all and then loads people: of these as few as there can be.
    fetch_lfw_people(min_faces_per_person=500, resize=0.1)
    return pathlib.Path(get_data_home(), "lfw_home", "lfw_funneled")
