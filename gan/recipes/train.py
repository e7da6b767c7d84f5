"""`gan.train`: from pictures to a generator in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gan.errors import StrPath, expect_choice, expect_path, require, shown
from gan.recipes.record import RECIPES
from gan.recipes.run import train_recipe
from gan.support.shipped import DEMO_PICTURES, or_demo

if TYPE_CHECKING:
    from gan.generators.trained import TrainedGenerator

_OWN_PICTURES = ("auto", "gan", "course", "r3gan")
_OF_R3GAN = ("size", "grey", "unlabelled", "augment")
_OF_FACES = ("long", "until_course")


def train(
    pictures: StrPath | None,
    output: StrPath,
    minutes: float | None = None,
    *,
    recipe: str = "auto",
    size: int | tuple[int, int] | None = None,
    grey: bool = False,
    unlabelled: bool = False,
    augment: bool = False,
    long: bool = False,
    epochs: int | None = None,
    steps: int | None = None,
    seed: int = 0,
    restart: bool = False,
    verbose: Any = "auto",
) -> TrainedGenerator:
    """Train a generator on pictures; the same call again goes on where it stopped.

    Args:
        pictures: str or `os.PathLike`, a folder of pictures of any size, whose
            sub-folders are classes, or an `.npy` or `.npz` file of an array of them;
            or "demo", drawn faces that come with the library. `None` for a published
            system that downloads its own.
        output: str or `os.PathLike`, a folder for the model, pictures and checkpoints.
        minutes: float, how long the training may take on this machine; `None`: as long
            as the recipe's epochs take.
        recipe: str. "auto" takes "gan" for an array of grey pictures of 16×16 pixels,
            where no minutes are given, and else "r3gan"; "course" is the course's own
            training of faces; or the name of a published system, see `gan train
            --recipe list`.
        size: int, or pair of ints (height, width), to which pictures are brought,
            multiples of 4; `None`: 32 for a folder, for an array its own up to 64.
        grey: bool, leave colours out.
        unlabelled: bool, leave classes out.
        augment: bool, change pictures at random before the discriminator sees them,
            which helps where there are few.
        long: bool, with the recipe "gan" train twenty minutes instead of two.
        epochs: int, or `None` for the recipe's.
        steps: int, steps an epoch, or `None` for the recipe's.
        seed: int from 0 to 2³² − 1.
        restart: bool, forget what an earlier run left in the folder.
        verbose: as in Keras's `fit`.

    Returns:
        `TrainedGenerator`, as `gan.load_generator(output)` gives it.

    Raises:
        InvalidInput: before the first step, if an argument is not of that form, does
            not apply to the recipe, or the folder holds another run.
        KeyboardInterrupt: after Ctrl-C; the last epoch that ended is saved.

    Example:

    ```python
    generator = gan.train("photos", "run", minutes=10)
    gan.plots.save(gan.plots.mosaic(generator.draw(64)), "fakes.png")
    ```
    """
    own = {"size": size, "grey": grey, "unlabelled": unlabelled, "augment": augment}
    name, options = chosen(recipe, pictures, own | {"long": long}, minutes)
    require(
        name != "gaussian",
        "The argument recipe must be one that trains one generator, but gaussian "
        "trains six: see gan train --recipe gaussian.",
        "recipe",
    )
    run = (output, pictures, epochs, steps, seed, restart, verbose)
    train_recipe(name, *run, minutes=minutes, **options)
    from gan.generators.trained import load_generator

    return load_generator(output)


def chosen(
    recipe: str,
    pictures: StrPath | None,
    own: dict[str, Any],
    minutes: float | None = None,
) -> tuple[str, dict[str, Any]]:
    """Choose the recipe, and refuse options that it does not have.

    Args:
        recipe: str, as of `train`.
        pictures: the same.
        own: dict of the options that only some recipes have, as given.
        minutes: float or `None`, as of `train`.

    Returns:
        Tuple of the recipe's name and a dict of its options, for `train_recipe`.

    Raises:
        InvalidInput: if the recipe has no such option, or there are no pictures.
    """
    expect_choice([*_OWN_PICTURES, *RECIPES], recipe=recipe)
    size = None if own.get("size") is None else _expect_size(own["size"])
    if recipe in _OWN_PICTURES:
        said = "The argument pictures is missing: --pictures PATH is what to learn."
        require(pictures is not None, said, "pictures")
    if recipe == "auto":
        plain = not any(own.get(name) for name in _OF_R3GAN) and minutes is None
        recipe = "gan" if plain and _are_faces(pictures) else "r3gan"
    has = {"r3gan": _OF_R3GAN, "gan": _OF_FACES, "course": _OF_FACES[1:]}
    for name, value in own.items():
        said = f"--{name.replace('_', '-')} does not apply to the recipe {recipe}."
        require(name in has.get(recipe, ()) or not value, said, name)
    no = recipe in ("gan", "course", "gaussian")
    said = f"--minutes does not apply to the recipe {recipe}: give --epochs."
    require(minutes is None or not no, said, "minutes")
    if recipe == "r3gan":
        colour = False if own.get("grey") else None
        options = {"size": size, "colour": colour}
        options |= {"labelled": not own.get("unlabelled")}
        return recipe, options | {"augment": bool(own.get("augment"))}
    if recipe in _OWN_PICTURES:
        options = {"variant": "long" if own.get("long") else recipe}
        return "faces", options | {"until_course": bool(own.get("until_course"))}
    return recipe, {}


def _expect_size(size):
    """Expect one or two sides of a picture; a pair of ints."""
    sides = size if isinstance(size, (tuple, list)) else (size, size)
    fits = len(sides) == 2 and all(side in range(8, 1025, 4) for side in sides)
    require(
        fits,
        "The argument size must be a multiple of 4 from 8 to 1024, or two of them, "
        f"such as 64x48 (height x width), but it is {shown(size)}.",
        "size",
    )
    return tuple(map(int, sides))


def _are_faces(pictures):
    """Whether there is an array of 16x16 grey pictures without labels at the path."""
    from gan.data.arrays import read_labels, read_picture_array

    path = or_demo(expect_path(pictures=pictures), DEMO_PICTURES)
    require(path.exists(), f"There is nothing at {path}.", "pictures")
    if path.is_dir():
        return False
    array = read_picture_array(path, (1, 3))
    return array.shape[1:] == (16, 16) and read_labels(path, len(array)) is None
