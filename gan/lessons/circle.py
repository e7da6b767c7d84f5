"""Lesson: learns points on a circle and four coloured clouds in seconds."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from gan import plots, toys
from gan.base import AdversarialModel
from gan.fully_connected import fully_connected_GenDiscr
from gan.latent import seeded
from gan.lessons import Lesson
from gan.pages import Recording, film_page
from gan.simple_gan import Simple_GAN
from gan.wgan_clip import WGAN_clip
from gan.wgan_gp import WGAN_GP

CLASSES: dict[str, type[AdversarialModel]] = {
    "Simple_GAN": Simple_GAN,
    "WGAN_clip": WGAN_clip,
    "WGAN_GP": WGAN_GP,
}


def run(
    gan: str = "WGAN_GP",
    epochs: int = 16,
    course: bool = False,
    seed: int = 0,
    verbose: Any = 0,
) -> Lesson:
    """Train on the circle, and then on the clouds.

    Args:
        gan: str, one of `CLASSES`.
        epochs: int, number of epochs of 100 steps.
        course: bool, whether to use the course's networks, two hidden layers of ten
            tanh units, which are too small for the circle and draw a line through it.
        seed: int.
        verbose: as in Keras's `fit`.

    Returns:
        `Lesson` of the figures "circle" and "clouds".
    """
    train = functools.partial(
        _trained_on, name=gan, epochs=epochs, course=course, seed=seed, verbose=verbose
    )
    real = toys.circle(1000, seed)
    model, fake = train(1 if course else 2, real)
    values = model.discriminator(plots.grid(64)).numpy().reshape(64, 64)
    history, title = model.history.history, f"circle, {gan}"
    circle = plots.points_and_values(real, fake, values, history, title)
    real = toys.four_clouds(1000, seed)
    model, fake = train(2, real)
    history, title = model.history.history, f"four clouds, {gan}"
    clouds = plots.coloured_points(real, fake, history, title)
    return Lesson({"circle": circle, "clouds": clouds})


def film(
    epochs: int = 16, course: bool = False, seed: int = 0, verbose: Any = 0
) -> Lesson:
    """Train the three classes on the circle; a page shows them side by side.

    Args:
        epochs: as in `run`.
        course: as in `run`.
        seed: as in `run`.
        verbose: as in `run`.

    Returns:
        `Lesson` of a page.
    """
    films, real = [], toys.circle(1000, seed)
    for name in CLASSES:
        recording = Recording(name)
        options = (epochs, course, seed, verbose, recording.add)
        model, _ = _trained_on(2, real, name, *options)
        films.append(recording.data(model, frames=10))
    title = "Three GANs learn a circle"
    return Lesson(page=functools.partial(film_page, runs=films, title=title))


def _trained_on(
    latent_dim: int,
    real: np.ndarray,
    name: str,
    epochs: int,
    course: bool,
    seed: int,
    verbose: Any,
    watch: Callable[[AdversarialModel, int], object] | None = None,
) -> tuple[AdversarialModel, np.ndarray]:
    """Train a model; return it, and as many of its fakes as there are reals."""
    hidden = [10, 10] if course else [64, 64, 64]
    better = {} if course else {"activation": "relu", "bounded": False}
    shape = [latent_dim, *hidden, real.shape[1]]
    options = {} if course else {"ema": 0.99}
    if name == "WGAN_GP" and not course:
        options["lambda_gp"] = 0.1
    with seeded(seed):
        networks = fully_connected_GenDiscr(shape, real, **better)
        model = CLASSES[name](*networks, real, learning_rate=0.001, **options)
    watching = []
    if watch is not None:
        watch(model, 0)
        kept = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: watch(model, epoch + 1)
        )
        watching.append(kept)
    model.fit(epochs=epochs, steps_per_epoch=100, verbose=verbose, callbacks=watching)
    return model, model.get_fake_sample(len(real)).numpy()
