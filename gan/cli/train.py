"""Commands that train: from pictures to generators, toys, comparisons, theory."""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import pathlib
import sys
import time
from json import dumps
from typing import Literal

from gan.cli.shared import (
    expect_drawing,
    finish,
    import_tensorflow,
    named_outputs,
    stoppable,
    verbose,
)
from gan.errors import (
    expect,
    expect_choice,
    expect_number,
    expect_path,
    expect_positive_int,
    expect_seed,
)
from gan.recipes.run import RECIPES, train_recipe
from gan.saving.files import atomic_path, expect_writable

_OWN_PICTURES = ("auto", "gan", "course", "r3gan")


def prepare(
    pictures: str | None = None,
    lfw: bool = False,
    keep: float | None = None,
    output: str = "pictures.npy",
) -> None:
    """turn a folder of pictures into the 16x16 grey ones that train takes

    Example:
        prepare --pictures photos --keep 0.5 --output pictures.npy

    Args:
        pictures (DIR): folder, subfolders included, of any formats and sizes; or an
            .npy or .npz array
        lfw: Labeled Faces in the Wild instead, downloaded by scikit-learn
        keep (SHARE): how much of the central square to keep, as a share of its side
            (default 1; 0.5 with --lfw)
        output (FILE.npy): array to write; the first hundred are drawn in a .png beside
            it
    """
    path = expect_writable(output)
    expect(path.suffix == ".npy", "an output that ends in .npy", output=output)
    sheet = expect_writable(path.with_suffix(".png"))
    expect(lfw != (pictures is not None), "--pictures DIR or --lfw", pictures=pictures)
    keep = (0.5 if lfw else 1) if keep is None else keep
    expect_number(0, 1, keep=keep)
    import numpy as np

    from gan.data.pictures import read_pictures
    from gan.visualization import plots

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
    expect(found, "scikit-learn to be installed (pip install scikit-learn)", lfw=True)
    from sklearn.datasets import fetch_lfw_people, get_data_home

    # It downloads all and then loads people: of these as few as there can be.
    fetch_lfw_people(min_faces_per_person=500, resize=0.1)
    return pathlib.Path(get_data_home(), "lfw_home", "lfw_funneled")


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
) -> None:
    """train a generator on your own pictures

    Example:
        train --pictures photos --size 32 --output run

    Args:
        pictures (PATH): folder of pictures of any size and format, whose sub-folders
            are classes; or .npy or .npz array of them, uint8 or float in [0, 1]
        output (DIR): folder for the trained model, pictures and checkpoints
        recipe (NAME): gan, the faces' for 16x16 grey pictures, or course, with the
            course's own batch, rates and length; r3gan for any others; auto takes what
            fits; or one that the command recipe lists
        size (PIXELS): of both sides, a multiple of 4 (default: 32 for a folder, for an
            array its own up to 64)
        long: for the recipe gan: twenty minutes instead of two, for better faces
        grey: leave colours out
        unlabelled: leave classes out
        augment: change pictures at random before the discriminator sees them, which
            helps where there are few
        until_course: stop as soon as all six measures are better than those of the
            course's weights, and say after how long
    """
    told = {"command": "train"} | locals()
    expect_choice([*_OWN_PICTURES, *RECIPES], recipe=recipe)
    expect(output is not None, "--output DIR", output=None)
    numbers = (epochs, steps, seed)
    _expect_training(output, *numbers)
    own = {"size": size, "grey": grey, "unlabelled": unlabelled, "augment": augment}
    if recipe in RECIPES:
        said = own | {"long": long, "until_course": until_course}
        said = {name: value for name, value in said.items() if value}
        expect(not said, f"without them, --recipe {recipe}", **said)
        _run(recipe, output, quiet, pictures, *numbers, restart, told=told)
        return
    expect(pictures is not None, "--pictures PATH", pictures=None)
    if recipe == "auto":
        recipe = "gan" if _are_faces(pictures) and not any(own.values()) else "r3gan"
    expect(recipe == "gan" or not long, "--long with the recipe gan", recipe=recipe)
    if recipe == "r3gan":
        expect(not until_course, "the recipe gan", until_course=until_course)
        options = {"size": size, "colour": False if grey else None}
        options |= {"labelled": not unlabelled, "augment": augment}
        _run("r3gan", output, quiet, pictures, *numbers, restart, told=told, **options)
    else:
        said = {name: value for name, value in own.items() if value}
        expect(not said, f"--recipe r3gan with them, not {recipe}", **said)
        from gan.data.faces import load_faces

        load_faces(pictures)
        options = {"variant": "long" if long else recipe, "until_course": until_course}
        _run("faces", output, quiet, pictures, *numbers, restart, told=told, **options)


def _are_faces(pictures):
    """Whether there is an array of 16x16 grey pictures without labels at the path."""
    from gan.data.arrays import read_labels, read_picture_array

    path = expect_path(pictures=pictures)
    expect(path.exists(), "an existing folder or file", pictures=pictures)
    if path.is_dir():
        return False
    array = read_picture_array(path, (1, 3))
    return array.shape[1:] == (16, 16) and read_labels(path, len(array)) is None


def recipe(
    name: str | None = None,
    /,
    output: str | None = None,
    pictures: str | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    seed: int = 0,
    restart: bool = False,
    quiet: bool = False,
) -> None:
    """train another system of the literature, as train --recipe does; without a name,
    list them

    Example:
        recipe mnist_dcgan --output run --pictures mnist.npz

    Args:
        name (NAME): one of those that `recipe` lists
        output (DIR): folder for pictures, training.gif, model.keras and checkpoints
        pictures (PATH): .npz, .npy or folder of pictures (default: downloaded)
    """
    told = {"command": "recipe"} | locals()
    if name is None:
        width = max(map(len, RECIPES))
        for known, text in RECIPES.items():
            print(f"{known:{width}}  {text}")
        return
    expect_choice(RECIPES, recipe=name)
    expect(output is not None, "--output DIR", output=None)
    numbers = (epochs, steps, seed)
    _expect_training(output, *numbers)
    _run(name, output, quiet, pictures, *numbers, restart, told=told)


def _expect_training(output, epochs, steps, seed):
    """Expect usable options before TensorFlow is imported."""
    path = expect_path(output=output)
    there = next(p for p in (path, *path.parents) if p.exists())
    expect(there.is_dir(), "a folder", output=output)
    for name, number in {"epochs": epochs, "steps": steps}.items():
        if number is not None:
            expect_positive_int(**{name: number})
    expect_seed(2**32, seed=seed)


def _run(name, output, quiet, *arguments, **options):
    import_tensorflow(side_by_side=True)
    start = time.perf_counter()
    with stoppable(pathlib.Path(output)):
        shown = 0 if quiet else verbose()
        paths = train_recipe(name, output, *arguments, shown, **options)
    print(f"{name}: {time.perf_counter() - start:.0f} s this call")
    print(*paths, sep="\n")


def toys(
    gan: Literal["Simple_GAN", "WGAN_clip", "WGAN_GP"] = "WGAN_GP",
    epochs: int = 16,
    course: bool = False,
    seed: int = 0,
    page: bool = False,
    output: str = "toys.png",
    show: bool = False,
) -> None:
    """learn points on a circle, and four clouds of coloured points, in seconds

    Example:
        toys --gan WGAN_GP --epochs 16 --output toys.png

    Args:
        gan: the class
        epochs: of 100 steps each
        course: the course's networks, two hidden layers of ten tanh: too small for the
            circle, they draw a line through it
        page: a page for the browser instead, on which the three classes learn the
            circle side by side, to be played and scrubbed: the output with .html
    """
    expect_positive_int(epochs=epochs)
    expect_drawing(seed, output)
    if page:
        _film(pathlib.Path(output).with_suffix(".html"), epochs, course, seed)
        return
    circle_path, clouds_path = named_outputs(output, "circle", "clouds")
    import_tensorflow()
    from gan.data import toys
    from gan.visualization import plots

    real = toys.circle(1000, seed)
    model, fake = _trained_on(1 if course else 2, real, gan, epochs, course, seed)
    values = model.discriminator(plots.grid(64)).numpy().reshape(64, 64)
    history, title = model.history.history, f"circle, {gan}"
    circle = plots.points_and_values(real, fake, values, history, title)
    print(plots.save(circle, circle_path))
    real = toys.four_clouds(1000, seed)
    model, fake = _trained_on(2, real, gan, epochs, course, seed)
    history, title = model.history.history, f"four clouds, {gan}"
    print(plots.save(plots.coloured_points(real, fake, history, title), clouds_path))
    if show:
        plots.show(circle)


def _film(path, epochs, course, seed):
    expect_writable(path)
    import_tensorflow()
    from gan.data import toys
    from gan.visualization.page import Recording, film_page

    films, real = [], toys.circle(1000, seed)
    for name in ("Simple_GAN", "WGAN_clip", "WGAN_GP"):
        recording = Recording(name)
        model, _ = _trained_on(2, real, name, epochs, course, seed, recording)
        films.append(recording.data(model, frames=10))
    film_page(path, films, "Three GANs learn a circle")
    print(path)


def _trained_on(latent_dim, real, name, epochs, course, seed, recording=None):
    """A trained model, and as many of its fakes as there are reals."""
    import keras

    import gan

    keras.utils.set_random_seed(seed)
    hidden = [10, 10] if course else [64, 64, 64]
    better = {} if course else {"activation": "relu", "bounded": False}
    shape = [latent_dim, *hidden, real.shape[1]]
    networks = gan.fully_connected_GenDiscr(shape, real, **better)
    options = {} if course else {"ema": 0.99}
    if name == "WGAN_GP" and not course:
        options["lambda_gp"] = 0.1
    model = getattr(gan, name)(*networks, real, learning_rate=0.001, **options)
    # A bar for who looks on, and the paths alone for who reads through a pipe.
    verbose = int(sys.stdout.isatty())
    watching = []
    if recording is not None:
        recording.add(model, 0)
        kept = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: recording.add(model, epoch + 1)
        )
        watching.append(kept)
    model.fit(epochs=epochs, steps_per_epoch=100, verbose=verbose, callbacks=watching)
    return model, model.get_fake_sample(len(real)).numpy()


def compare(
    epochs: int = 100,
    seeds: int = 3,
    seed: int = 0,
    output: str = "compare.png",
    show: bool = False,
    json: bool = False,
) -> None:
    """train the three classes on the 49-dimensional cloud and compare them

    Example:
        compare --epochs 100 --seeds 3 --output compare.png

    Args:
        epochs: of 250 steps each
        seeds: runs of each class
    """
    expect_positive_int(epochs=epochs, seeds=seeds)
    expect_drawing(seed, output)
    import_tensorflow()
    from gan.evaluation import report
    from gan.visualization import plots

    # Who reads JSON from stdout may still look on.
    tell = functools.partial(print, file=sys.stderr) if json else print
    looking = sys.stderr.isatty()
    watch = functools.partial(print, end="\r", file=sys.stderr) if looking else None
    verdicts = report.compare_classes(epochs, seeds, seed, tell, watch)
    if json:
        print(dumps({k: dataclasses.asdict(v) for k, v in verdicts.items()}))
    else:
        print(report.conclude(verdicts))
    histories = {name: verdict.history for name, verdict in verdicts.items()}
    figure = plots.compare_losses(histories, title="cloud in the corner of [0, 1]^49")
    finish(figure, output, show)


def theory(
    epochs: int = 20, seed: int = 0, output: str = "theory.png", show: bool = False
) -> None:
    """train a discriminator against a fixed generator and compare it with theory

    Example:
        theory --epochs 20 --output theory.png

    Args:
        epochs: of 100 updates each
    """
    expect_positive_int(epochs=epochs)
    expect_drawing(seed, output)
    import_tensorflow()
    import numpy as np
    import tensorflow as tf

    from gan.evaluation import theory
    from gan.visualization import plots

    model = theory.train_against_fixed(epochs, seed, int(sys.stdout.isatty()))
    x = np.linspace(-1, 9, 2001)
    densities = [theory.normal_density(x, *law) for law in (theory.REAL, theory.FAKE)]
    found = tf.sigmoid(model.discriminator(x[:, None]))[:, 0].numpy()
    best = theory.best_discriminator(*densities)
    value = -np.array(model.history.history["discr_loss"])
    limit = theory.value_of_best(x, *densities)
    print(f"value in the last epoch {value[-1]:.4f}, 2 JS - log 4 = {limit:.4f}")
    figure = plots.discriminator_and_value(
        x, densities, found, best, value, limit, "a fixed generator in one dimension"
    )
    finish(figure, output, show)
