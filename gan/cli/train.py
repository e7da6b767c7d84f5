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
    expect_seed,
    require,
)
from gan.recipes.run import RECIPES, expect_run, expect_whole, train_recipe
from gan.support.files import atomic_path, expect_writable

_OWN_PICTURES = ("auto", "gan", "course", "r3gan")


def prepare(
    pictures: str | None = None,
    lfw: bool = False,
    keep: float | None = None,
    output: str = "pictures.npy",
) -> None:
    """Turn a folder of pictures into the grey ones of 16×16 pixels that train takes."""
    path = expect_writable(output)
    expect(path.suffix == ".npy", "an output that ends in .npy", output=output)
    sheet = expect_writable(path.with_suffix(".png"))
    expect(lfw != (pictures is not None), "--pictures DIR or --lfw", pictures=pictures)
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
    """Train a generator on the user's own pictures."""
    told = {"command": "train"} | locals()
    expect_choice([*_OWN_PICTURES, *RECIPES], recipe=recipe)
    expect(output is not None, "--output DIR", output=None)
    numbers = (epochs, steps, seed)
    if size is not None:
        sentence = (
            "The argument size must be a multiple of 4 from 8 to 1024, but it is "
        )
        require(size in range(8, 1025, 4), f"{sentence}{size}.", "size")
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
        from gan.faces import load_faces

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
    """Train a system of the literature, or list them."""
    told = {"command": "recipe"} | locals()
    if name is None:
        width = max(map(len, RECIPES))
        for known, text in RECIPES.items():
            print(f"{known:{width}}  {text}")
        return
    expect_choice(RECIPES, recipe=name)
    expect(output is not None, "--output DIR", output=None)
    numbers = (epochs, steps, seed)
    _run(name, output, quiet, pictures, *numbers, restart, told=told)


def _run(name, output, quiet, pictures, epochs, steps, seed, restart, **options):
    expect_run(name, output, epochs, steps, seed)
    import_tensorflow(side_by_side=True)
    start = time.perf_counter()
    shown = 0 if quiet else verbose()
    with stoppable(pathlib.Path(output)):
        numbers = (epochs, steps, seed, restart, shown)
        paths = train_recipe(name, output, pictures, *numbers, **options)
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
    """Learn points on a circle, and four clouds of coloured points."""
    expect_whole(epochs=epochs)
    expect_drawing(seed, output)
    if page:
        _film(pathlib.Path(output).with_suffix(".html"), epochs, course, seed)
        return
    circle_path, clouds_path = named_outputs(output, "circle", "clouds")
    import_tensorflow()
    from gan import plots, toys

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
    from gan import toys
    from gan.pages import Recording, film_page

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
    """Train the three classes on the 49-dimensional cloud and compare them."""
    expect_whole(epochs=epochs, seeds=seeds)
    expect_drawing(seed, output)
    # Each run has the next seed.
    expect_seed(2**32 - seeds + 1, seed=seed)
    import_tensorflow()
    from gan import plots
    from gan.lessons import cloud

    # Who reads JSON from stdout may still look on.
    tell = functools.partial(print, file=sys.stderr) if json else print
    looking = sys.stderr.isatty()
    watch = functools.partial(print, end="\r", file=sys.stderr) if looking else None
    verdicts = cloud.compare_classes(epochs, seeds, seed, tell, watch)
    if json:
        print(dumps({k: dataclasses.asdict(v) for k, v in verdicts.items()}))
    else:
        print(cloud.conclude(verdicts))
    histories = {name: verdict.history for name, verdict in verdicts.items()}
    figure = plots.compare_losses(histories, title="cloud in the corner of [0, 1]^49")
    finish(figure, output, show)


def theory(
    epochs: int = 20, seed: int = 0, output: str = "theory.png", show: bool = False
) -> None:
    """Train a discriminator against a fixed generator and compare it with theory."""
    expect_whole(epochs=epochs)
    expect_drawing(seed, output)
    import_tensorflow()
    import numpy as np
    import tensorflow as tf

    from gan import plots
    from gan.lessons import theory

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
