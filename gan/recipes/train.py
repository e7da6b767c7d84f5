"""`gan.train`: from pictures to a generator in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gan.data.named_inputs import parse_condition
from gan.errors import StrPath, expect_choice, expect_path, require, shown
from gan.recipes.record import RECIPES
from gan.recipes.run import train_recipe
from gan.support.shipped import DEMO_PICTURES, or_demo

if TYPE_CHECKING:
    from gan.generators.trained import TrainedGenerator
    from gan.generators.translator import Translator

_OWN_PICTURES = ("auto", "gan", "course", "r3gan")
_OF_R3GAN = ("size", "grey", "unlabelled", "augment", "captions")
_OF_FACES = ("long", "until_course")


def train(
    pictures: StrPath | None,
    output: StrPath,
    minutes: float | None = None,
    *,
    recipe: str = "auto",
    pairs: StrPath | None = None,
    unpaired: StrPath | None = None,
    condition: str | None = None,
    size: int | tuple[int, int] | None = None,
    grey: bool = False,
    unlabelled: bool = False,
    augment: bool = False,
    captions: StrPath | None = None,
    long: bool = False,
    epochs: int | None = None,
    steps: int | None = None,
    seed: int = 0,
    restart: bool = False,
    verbose: Any = "auto",
) -> TrainedGenerator | Translator:
    """Trains a generator on pictures; repeating the same call resumes the run.

    Args:
        pictures: str or `os.PathLike`, a folder of pictures of any size, whose
            sub-folders are classes, or an `.npy` or `.npz` file of an array of them;
            or "demo", the drawn faces of this library. For the recipe "speech", a
            folder of recordings, see `gan.data.sounds`. `None` for a published system
            that downloads its data.
        output: str or `os.PathLike`, a folder for the model, pictures and checkpoints.
        minutes: float, length of the training on this machine; `None` trains the
            recipe's number of epochs.
        recipe: str. "auto" takes "gan" for an array of grey 16×16 pictures without
            labels, if neither minutes nor size, grey, unlabelled, augment or captions
            are given, otherwise "r3gan"; "course" is the course's own training of
            faces; or the name of a published system, see `gan train --recipe list`.
        pairs: str or `os.PathLike`, a folder of pairs instead of `pictures`: the
            generator learns to translate the first picture of each into the second, see
            `gan.data.pairs.read_pairs`.
        unpaired: str or `os.PathLike`, a folder with trainA and trainB instead of
            `pictures`: the generator learns to translate pictures of trainA into
            pictures like those of trainB, and back, see
            `gan.data.unpaired.read_unpaired`.
        condition: str, the generator's input, computed from `pictures`: "shrunk:4" (it
            learns to enlarge by 4), "hole:16" (to fill a hole of 16 pixels), "grey" (to
            colour) or "edges" (to paint). `None` generates pictures from latents.
        size: int, or pair of ints (height, width), multiples of 4, the size of the
            pictures. `None` takes the size of an array, up to 64, and for a folder the
            largest of 32, 48 and 64 that its pictures have and this machine can train.
        grey: bool, whether to convert pictures to grey.
        unlabelled: bool, whether to ignore classes.
        augment: bool, whether to change pictures at random before the discriminator. It
            helps if training is so long that few pictures would be memorised; in short
            training it makes fakes worse.
        captions: str or `os.PathLike` of a file of captions, see
            `gan.data.captions.read_captions`: the generator learns to draw from words.
            `None` takes the captions in an `.npz` file of pictures without labels, if
            there are any.
        long: bool, whether the recipe "gan" trains for twenty minutes instead of two.
        epochs: int, or `None` for the recipe's.
        steps: int, steps per epoch, or `None` for the recipe's.
        seed: int from 0 to 2³² − 1.
        restart: bool, whether to delete an earlier run in the folder.
        verbose: 0 shows no progress, anything else the progress of the whole run.

    Returns:
        `TrainedGenerator`, as `gan.load_generator(output)` gives it; with `pairs`,
        `unpaired` or `condition` a `Translator`, as `gan.load_translator(output)` does.

    Raises:
        InvalidInput: before the first step, if an argument is invalid or does not apply
            to the recipe, or the folder holds another run.
        KeyboardInterrupt: after Ctrl-C; the last epoch that ended is saved.

    Example:

    ```python
    generator = gan.train("photos", "run", minutes=10)
    gan.plots.save(gan.plots.mosaic(generator.draw(64)), "fakes.png")
    ```
    """
    own = {"size": size, "grey": grey, "unlabelled": unlabelled, "augment": augment}
    own |= {"long": long, "pairs": pairs, "condition": condition}
    own |= {"captions": captions, "unpaired": unpaired}
    name, options = chosen(recipe, pictures, own, minutes)
    require(
        name != "gaussian",
        "The argument recipe must train one generator, but gaussian trains six: use "
        "gan train --recipe gaussian.",
        "recipe",
    )
    data = next((one for one in (pairs, unpaired) if one is not None), pictures)
    run = (output, data, epochs, steps, seed, restart, verbose)
    train_recipe(name, *run, minutes=minutes, **options)
    if name in ("translation", "unpaired"):
        from gan.generators.translator import load_translator

        return load_translator(output)
    from gan.generators.load import load_generator

    return load_generator(output)


def chosen(
    recipe: str,
    pictures: StrPath | None,
    own: dict[str, Any],
    minutes: float | None = None,
) -> tuple[str, dict[str, Any]]:
    """Choose the recipe, and refuse options that it does not have.

    Args:
        recipe: str, as in `train`.
        pictures: as in `train`.
        own: dict of the options that only some recipes have, as given.
        minutes: float or `None`, as in `train`.

    Returns:
        Tuple of the recipe's name and a dict of its options, for `train_recipe`.

    Raises:
        InvalidInput: if the recipe has no such option, or there are no pictures.
    """
    expect_choice([*_OWN_PICTURES, *RECIPES], recipe=recipe)
    size = None if own.get("size") is None else _expect_size(own["size"])
    if own.get("unpaired") is not None:
        return "unpaired", _of_unpaired(recipe, pictures, own, size)
    if own.get("pairs") is not None or own.get("condition") is not None:
        return "translation", _of_translation(recipe, pictures, own, size)
    if recipe in _OWN_PICTURES:
        said = "The argument pictures is missing: give a path by --pictures PATH."
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
        options |= {"captions": own.get("captions")}
        return recipe, options | {"augment": bool(own.get("augment"))}
    if recipe in _OWN_PICTURES:
        options = {"variant": "long" if own.get("long") else recipe}
        return "faces", options | {"until_course": bool(own.get("until_course"))}
    return recipe, {}


def _of_translation(recipe, pictures, own, size):
    """The options of a training of picture translation."""
    pairs, condition = own.get("pairs"), own.get("condition")
    said = f"--from and --pairs do not apply to the recipe {recipe}: omit --recipe."
    require(recipe == "auto", said, "recipe")
    said = "Give either --pairs DIR, or --pictures PATH with --from, which says how "
    said += "the input is made from each picture."
    require((pairs is None) == (pictures is not None), said, "pairs")
    require((pairs is None) == (condition is not None), said, "condition")
    for name, value in own.items():
        used = name in ("size", "grey", "pairs", "condition")
        said = f"--{name.replace('_', '-')} does not apply to --pairs and --from."
        require(used or not value, said, name)
    if condition is not None:
        parse_condition(condition)
    expect_path(pictures=pairs if pictures is None else pictures)
    colour = False if own.get("grey") else None
    return {"condition": condition, "size": size, "colour": colour}


def _of_unpaired(recipe, pictures, own, size):
    """The options of a training on two kinds of pictures."""
    said = f"--unpaired does not apply to the recipe {recipe}: omit --recipe."
    require(recipe == "auto", said, "recipe")
    said = "Give either --unpaired DIR or --pictures PATH."
    require(pictures is None, said, "unpaired")
    for name, value in own.items():
        used = name in ("size", "grey", "unpaired")
        option = "from" if name == "condition" else name.replace("_", "-")
        said = f"--{option} does not apply to --unpaired."
        require(used or not value, said, name)
    expect_path(unpaired=own["unpaired"])
    return {"size": size, "colour": False if own.get("grey") else None}


def _expect_size(size):
    """Expect one or two sides of a picture; return a pair of ints."""
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
    """Whether the path holds an array of 16x16 grey pictures without labels."""
    from gan.data.arrays import read_labels, read_picture_array

    path = or_demo(expect_path(pictures=pictures), DEMO_PICTURES)
    require(path.exists(), f"There is nothing at {path}.", "pictures")
    if path.is_dir():
        return False
    array = read_picture_array(path, (1, 3))
    return array.shape[1:] == (16, 16) and read_labels(path, len(array)) is None
