"""Trains on faces: the recipes `gan` and `course` of the command `train`.

They train the course's generator on grey pictures of 16×16 pixels. `gan` and its longer
variant `long` train it with a dense discriminator, because the max pooling and the
final tanh of the course's discriminator limit what the generator learns. At the end,
they train the course's discriminator on real faces and those of the finished generator,
so that its outputs can sort the fakes. `course` trains both networks by WGAN_GP with
the course's batch size, learning rates and length.
faces/README.md has the results.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import pathlib
import time
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from gan import metrics
from gan.errors import require
from gan.faces import load_faces
from gan.generate_faces import convolutional_GenDiscr
from gan.latent import LatentGenerator, Stream, seeded
from gan.recipes.record import RECORD, clear, read_record
from gan.saving.weights_file import save_weights
from gan.schedules import LinearDecay
from gan.variants.r3gan import R3GAN
from gan.wgan_gp import WGAN_GP

if TYPE_CHECKING:
    from gan.base import AdversarialModel
    from gan.recipes.run import Run


@dataclasses.dataclass(frozen=True)
class FacesRecipe:
    """How to train on faces.

    Attributes:
        epochs: int.
        steps_per_epoch: int.
        batch_size: int, pictures in each sample.
        disc_iter: int, discriminator updates per step.
        learning_rate: float, of both Adam optimizers.
        beta_1: float, Adam's decay of the first moment.
        ema: float or `None`, decay of the averaged generator.
        hold: float or `None`, share of the run after which the learning rates fall
            linearly to 0; `None` keeps them constant.
        teacher: bool, whether to train as R3GAN with a dense discriminator and the
            generator in inference mode. `False` trains as WGAN_GP with the course's
            discriminator.
        gamma: float, weight of R3GAN's penalties; in a long run with a small weight,
            the discriminator memorises the pictures, and the generator then varies too
            little.
        sorting: int, updates of the course's discriminator after a run with `teacher`,
            a multiple of 100; fewer if the run itself has fewer.
    """

    epochs: int
    steps_per_epoch: int
    batch_size: int
    disc_iter: int
    learning_rate: float
    beta_1: float
    ema: float | None
    hold: float | None
    teacher: bool = False
    gamma: float = 0.0
    sorting: int = 0


RECIPES = {
    "gan": FacesRecipe(40, 500, 64, 1, 1e-3, 0.0, 0.998, 0.3, True, 0.2, 500),
    "long": FacesRecipe(160, 1000, 64, 1, 1e-3, 0.0, 0.999, 0.3, True, 1.0, 2000),
    "course": FacesRecipe(150, 200, 200, 2, 1e-4, 0.3, None, None),
}

# Measures of the course's own weights on its 10,000 faces.
COURSE = {
    "sw2": 0.0423,
    "fd": 1.569,
    "fd49": 5.87,
    "kid": 0.00407,
    "precision": 0.618,
    "recall": 0.141,
}

# The generator's output x is the picture itself: x · 1 + 0.
_PICTURE = (np.zeros((16, 16)), np.ones((16, 16)))


def make_teacher() -> keras.Model:
    """Makes a discriminator without pooling, tanh or normalisation.

    Returns:
        `keras.Model` of 657,409 parameters, pictures `(batch, 16, 16, 1)` in [0, 1] ->
        `(batch, 1)`.
    """
    inputs = keras.Input((16, 16, 1), name="pictures")
    x = layers.Rescaling(4.0, -1.8)(inputs)
    x = layers.Flatten()(x)
    for units in (256, 512, 512, 256):
        x = layers.LeakyReLU(0.2)(layers.Dense(units)(x))
    return keras.Model(inputs, layers.Dense(1)(x), name="teacher")


def make_model(
    pictures: np.ndarray, recipe: FacesRecipe, seed: int = 0
) -> tuple[AdversarialModel, keras.Model]:
    """Make the networks and the model of a recipe.

    Args:
        pictures: float32 array `(N, 16, 16)` in [0, 1].
        recipe: `FacesRecipe`.
        seed: int; the same seed gives the same run.

    Returns:
        Tuple of the model (`R3GAN` with a teacher, otherwise `WGAN_GP`) and the
        course's discriminator.
    """
    updates = recipe.epochs * recipe.steps_per_epoch
    beta_2 = 0.99 if recipe.teacher else 0.9

    def adam(updates):
        rate: Any = recipe.learning_rate
        if recipe.hold is not None:
            rate = LinearDecay(rate, updates, recipe.hold)
        return keras.optimizers.Adam(rate, recipe.beta_1, beta_2)

    numbers = (recipe.batch_size, recipe.disc_iter, recipe.learning_rate)
    options: Any = {
        "beta_1": recipe.beta_1,
        "ema": recipe.ema,
        "generator_optimizer": adam(updates),
        "discriminator_optimizer": adam(updates * recipe.disc_iter),
    }
    given = (LatentGenerator(16), pictures, *numbers)
    with seeded(seed):
        generator, discriminator = convolutional_GenDiscr()
        if recipe.teacher:
            options |= {"gamma": recipe.gamma, "penalty_every": 8}
            options |= {"batch_statistics": False}
            return R3GAN(generator, make_teacher(), *given, **options), discriminator
        return WGAN_GP(generator, discriminator, *given, **options), discriminator


@keras.saving.register_keras_serializable(package="gan")
class Sorter(WGAN_GP):
    """Trains only the discriminator; the generator stays unchanged."""

    log_names = ("discr_loss", "gp")

    def update_generator(self, real: Any = None) -> dict[str, tf.Tensor]:
        """Do not update the generator."""
        return {}


class UntilCourse(keras.callbacks.Callback):
    """Stop when the averaged generator is better than the course's weights.

    After every epoch, fakes are compared with half of the pictures by the six measures
    of `COURSE`. The model's random stream does not change.

    Args:
        pictures: float array `(N, 16, 16)` in [0, 1], at least 200 of them.

    Attributes:
        seconds: float, seconds of training alone until the stop; `None` before it.
    """

    def __init__(self, pictures: np.ndarray) -> None:
        super().__init__()
        count = len(pictures)
        sentence = (
            f"The argument pictures must have at least 200 pictures, not {count}."
        )
        require(count >= 200, sentence, "pictures")
        self.pictures: np.ndarray = pictures
        self.seconds: float | None = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Start the clock."""
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Measure, and stop if all six measures are better."""
        trained = time.perf_counter()
        found = measure(self.pictures, _draw(self.model, len(self.pictures) // 2))
        better = [name for name in COURSE if _better(name, found[name])]
        values = ", ".join(f"{name} {value:.4f}" for name, value in found.items())
        print(
            f"\nbetter than the course's weights in {len(better)} of {len(COURSE)} "
            f"measures: {values}"
        )
        if len(better) == len(COURSE):
            self.seconds = trained - self._start
            self.model.stop_training = True
        self._start += time.perf_counter() - trained


def measure(pictures: np.ndarray, fakes: np.ndarray) -> dict[str, float]:
    """Measures fakes against half of the pictures by the six measures of `COURSE`.

    Args:
        pictures: float array `(N, 16, 16)` in [0, 1].
        fakes: float array `(n, 16, 16)` in [0, 1].

    Returns:
        Dict from names to floats.
    """
    axes = metrics.principal_axes(pictures)
    half = np.random.default_rng(0).permutation(pictures)[: len(pictures) // 2]
    return metrics.measures(half, fakes, COURSE, axes=axes)


def train(
    run: Run, variant: str = "gan", until_course: bool = False
) -> list[pathlib.Path]:
    """Train on pictures and write the networks' weights.

    Args:
        run: `gan.recipes.run.Run`, whose data are pictures `(N, 16, 16)`.
        variant: str, one of `RECIPES`.
        until_course: bool, whether to stop as soon as all measures are better than the
            course's, and print the time.

    Returns:
        List of two `pathlib.Path`: `generator.h5` (the averaged generator, if the
        recipe has one, and how its output becomes a picture) and `discriminator.h5`.
    """
    sentence = "The argument data (--pictures) must name a file of pictures."
    require(run.data is not None, sentence, "data")
    pictures = load_faces(run.data).pictures
    changes = {"epochs": run.epochs, "steps_per_epoch": run.steps}
    changes = {name: value for name, value in changes.items() if value is not None}
    recipe = dataclasses.replace(RECIPES[variant], **changes)
    return train_on(run, pictures, recipe, until_course)


def train_on(
    run: Run, pictures: np.ndarray, recipe: FacesRecipe, until_course: bool = False
) -> list[pathlib.Path]:
    """Train as `train` does, on pictures `(N, 16, 16)` in [0, 1]."""
    if recipe.teacher:
        least, count = min(50, recipe.batch_size), len(pictures)
        sentence = f"There must be at least {least} pictures in data (--pictures), "
        require(count >= least, f"{sentence}not {count}.", "data")
        size = min(recipe.batch_size, count)
        recipe = dataclasses.replace(recipe, batch_size=size)
    run.begin("sorter")
    model, discriminator = make_model(pictures, recipe, run.seed)
    until = [UntilCourse(pictures)] if until_course else []
    settings = {"hold": recipe.hold, "teacher": recipe.teacher}
    lengths = (recipe.epochs, recipe.steps_per_epoch)
    run.fit(model, *lengths, until, settings=settings)
    for one in until:
        if one.seconds is not None:
            print(f"better than the course's weights after {one.seconds:.0f} s")
        else:
            print("not better than the course's weights in every measure")
    drawing = model.averaged_generator or model.generator
    if recipe.teacher:
        if run.verbose:
            print("training the course's discriminator to sort the faces ...")
        model.generator.set_weights(drawing.get_weights())
        _teach_to_sort(run, recipe, discriminator, model, pictures)
    paths = [run.path("generator.h5"), run.path("discriminator.h5")]
    save_weights(drawing, paths[0], picture=_PICTURE)
    save_weights(discriminator, paths[1])
    return paths


def _teach_to_sort(run, recipe, discriminator, model, pictures):
    """Train the course's discriminator against the finished generator of a model."""
    sorter = Sorter(
        model.generator,
        discriminator,
        model.latent_generator,
        pictures,
        recipe.batch_size,
        disc_iter=1,
        batch_statistics=False,
        discriminator_optimizer=keras.optimizers.Adam(
            LinearDecay(1e-3, math.prod(_lengths(recipe))), 0.0, 0.9
        ),
        seed=run.seed,
    )
    folder = run.output / "sorter"
    weights = b"".join(weight.tobytes() for weight in model.generator.get_weights())
    digits = hashlib.sha256(weights).hexdigest()[:16]
    noted = read_record(folder / RECORD) if (folder / RECORD).exists() else {}
    if noted.get("generator", digits) != digits:
        # The run was made longer: the sorter there belongs to an earlier generator.
        clear([folder])
    sorting = dataclasses.replace(run, epochs=None, steps=None)
    settings = {"generator": digits}
    sorting.fit(sorter, *_lengths(recipe), folder="sorter", settings=settings)


def _lengths(recipe):
    """Epochs and steps of the sorter: never more updates than the run itself had."""
    updates = min(recipe.sorting, recipe.epochs * recipe.steps_per_epoch)
    return max(updates // 100, 1), min(updates, 100)


def _draw(model, count):
    """Pictures `(count, 16, 16)` of the averaged generator, from the same latents."""
    network, stream = model.averaged_generator or model.generator, Stream(0)
    with stream.sampling():
        parts = [network(model.latent_generator(500)) for _ in range(0, count, 500)]
    return np.concatenate(parts)[..., 0]


def _better(name, value):
    bound = COURSE[name]
    return value >= bound if name in ("precision", "recall") else value <= bound
