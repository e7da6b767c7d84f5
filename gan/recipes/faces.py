"""Faces of people who do not exist: the generator of the command `train`.

The course's networks and WGAN_GP on grey pictures of 16×16 pixels. `gan` is our recipe,
`course` the course's own batch, rates and length; faces/README.md has their figures.
"""

from __future__ import annotations

import dataclasses
import pathlib
import time
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from gan.data.faces import load_faces
from gan.errors import expect
from gan.evaluation import metrics
from gan.generate_faces import convolutional_GenDiscr
from gan.latent import LatentGenerator, Stream
from gan.saving.weights_file import save_weights
from gan.training.schedules import LinearDecay
from gan.wgan_gp import WGAN_GP

if TYPE_CHECKING:
    from gan.recipes.run import Run


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How to train WGAN_GP on faces.

    Attributes:
        epochs: int.
        steps_per_epoch: int.
        batch_size: int, pictures in each sample.
        disc_iter: int, discriminator updates a step.
        learning_rate: float, of both Adam optimizers.
        beta_1: float, Adam's decay of the first moment.
        ema: float or `None`, decay of the averaged generator.
        hold: float or `None`, the share of the run before the learning rates fall
            linearly to 0; `None` keeps them.
        batch_statistics: bool, whether batch normalisation sees each batch's while the
            generator is trained, see `gan.AdversarialModel`.
        calibrated: bool, whether `calibrate` ends the run.
    """

    epochs: int
    steps_per_epoch: int
    batch_size: int
    disc_iter: int
    learning_rate: float
    beta_1: float
    ema: float | None
    hold: float | None
    batch_statistics: bool = True
    calibrated: bool = False


RECIPES = {
    "gan": Recipe(150, 200, 50, 2, 2e-3, 0.0, 0.995, 0.3, False, True),
    "course": Recipe(150, 200, 200, 2, 1e-4, 0.3, None, None),
}

# What the course's own weights reach on its 10,000 faces, by gan.metrics.
COURSE = {
    "sw2": 0.0423,
    "fd": 1.569,
    "fd49": 5.87,
    "kid": 0.00407,
    "precision": 0.618,
    "recall": 0.141,
}

# The generator's output is the picture itself: output x · 1 + 0.
_PICTURE = (np.zeros((16, 16)), np.ones((16, 16)))


def make_model(pictures: np.ndarray, recipe: Recipe, seed: int = 0) -> WGAN_GP:
    """Make the networks and the model of a recipe.

    Args:
        pictures: float32 array `(N, 16, 16)` in [0, 1].
        recipe: `Recipe`.
        seed: int; the same seed gives the same run.

    Returns:
        `WGAN_GP` on the pictures.
    """
    keras.utils.set_random_seed(seed)
    generator, discriminator = convolutional_GenDiscr()
    steps = recipe.epochs * recipe.steps_per_epoch

    def adam(updates):
        rate: Any = recipe.learning_rate
        if recipe.hold is not None:
            rate = LinearDecay(rate, updates, recipe.hold)
        return keras.optimizers.Adam(rate, recipe.beta_1, 0.9)

    return WGAN_GP(
        generator,
        discriminator,
        LatentGenerator(16),
        pictures,
        recipe.batch_size,
        recipe.disc_iter,
        recipe.learning_rate,
        beta_1=recipe.beta_1,
        ema=recipe.ema,
        batch_statistics=recipe.batch_statistics,
        generator_optimizer=adam(steps),
        discriminator_optimizer=adam(steps * recipe.disc_iter),
    )


class UntilCourse(keras.callbacks.Callback):
    """Stop when the averaged generator is better than the course's weights.

    Every other epoch as many fakes as half the pictures are judged by the six measures
    of `COURSE`; the model's own random stream is not touched.

    Args:
        pictures: float array `(N, 16, 16)` in [0, 1], at least 200 of them.

    Attributes:
        seconds: float, time from the start of `fit` to the stop, or `None`.
    """

    def __init__(self, pictures: np.ndarray) -> None:
        super().__init__()
        expect(len(pictures) >= 200, "at least 200 pictures", N=len(pictures))
        self.pictures: np.ndarray = pictures
        self.seconds: float | None = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Start the clock."""
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Judge every other epoch."""
        if epoch % 2 == 0:
            return
        fakes = _draw(self.model, len(self.pictures) // 2)
        found = judge(self.pictures, fakes)
        better = [name for name in COURSE if _better(name, found[name])]
        values = ", ".join(f"{name} {value:.4f}" for name, value in found.items())
        print(f"\nbetter than the course's in {len(better)} of {len(COURSE)}: {values}")
        if len(better) == len(COURSE):
            self.seconds = time.perf_counter() - self._start
            self.model.stop_training = True


def calibrate(generator: keras.Model, pictures: np.ndarray) -> list[float]:
    """Bring a generator's spread, contrast and brightness to those of real pictures.

    Even a fully trained generator varies too little (here by a tenth). Calibration
    corrects that with three numbers, chosen to minimise SW2: one scales the latents,
    and goes into the kernel of the first layer; one scales the contrast and one shifts
    the brightness, in the last batch normalisation. At most twenty steps, from .04 to
    .005, go where the distance falls.

    Args:
        generator: `keras.Model`, latents `(batch, latent_dim)` -> `(batch, h, w, 1)`,
            from a Dense to a BatchNormalization, whose weights are changed.
        pictures: float array `(N, h, w)` in [0, 1].

    Returns:
        List of three floats: factor on the latents, factor on the contrast, shift.

    Formula:
        argmin SW2(real, G(z)) over the three, z ~ N(0, 1)
    """
    first = next(layer for layer in generator.layers if layer.weights)
    norms = keras.layers.BatchNormalization
    last = [layer for layer in generator.layers if isinstance(layer, norms)][-1]
    weights = [first.kernel, last.gamma, last.beta]
    trained = [weight.numpy() for weight in weights]
    with Stream(0).feeds():
        latents = LatentGenerator(generator.input_shape[1])(min(len(pictures), 5000))

    def distance(numbers):
        spread, contrast, shift = numbers
        kernel, gamma, beta = trained
        now = (kernel * spread, gamma * contrast, beta + shift)
        for weight, value in zip(weights, now, strict=True):
            weight.assign(value)
        parts = [latents[i : i + 500] for i in range(0, len(latents), 500)]
        fakes = np.concatenate([generator(part) for part in parts])[..., 0]
        return metrics.sliced_wasserstein(pictures, fakes, directions=128)

    best = np.array([1.0, 1.0, 0.0])
    least, step = distance(best), 0.04
    for _ in range(20):
        nearby = [best + step * sign * axis for axis in np.eye(3) for sign in (1, -1)]
        found = [distance(numbers) for numbers in nearby]
        if min(found) < least:
            best, least = nearby[int(np.argmin(found))], min(found)
        else:
            step /= 2
        if step < 0.005:
            break
    distance(best)
    return best.tolist()


def judge(pictures: np.ndarray, fakes: np.ndarray) -> dict[str, float]:
    """The six measures of `COURSE` for fakes against half of the pictures.

    Args:
        pictures: float array `(N, 16, 16)` in [0, 1].
        fakes: float array `(n, 16, 16)`.

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
        until_course: bool, stop as soon as the course's weights are beaten, and say
            after how long.

    Returns:
        List of two `pathlib.Path`: `generator.h5` (the averaged generator, where the
        recipe has one, with how its output becomes a picture) and
        `discriminator.h5`.
    """
    expect(run.data is not None, "data to be a file of pictures", data=run.data)
    pictures = load_faces(run.data).pictures
    changes = {"epochs": run.epochs, "steps_per_epoch": run.steps}
    changes = {name: value for name, value in changes.items() if value is not None}
    recipe = dataclasses.replace(RECIPES[variant], **changes)
    return train_on(run, pictures, recipe, until_course)


def train_on(
    run: Run, pictures: np.ndarray, recipe: Recipe, until_course: bool = False
) -> list[pathlib.Path]:
    """Train as `train` does, on pictures `(N, 16, 16)` in [0, 1], by a `Recipe`."""
    model = make_model(pictures, recipe, run.seed)
    until = [UntilCourse(pictures)] if until_course else []
    settings = {"hold": recipe.hold, "calibrated": recipe.calibrated}
    run.fit(model, recipe.epochs, recipe.steps_per_epoch, until, settings=settings)
    for one in until:
        if one.seconds is not None:
            print(f"better than the course's weights after {one.seconds:.0f} s")
        else:
            print("not better than the course's weights in every measure")
    paths = [run.output / "generator.h5", run.output / "discriminator.h5"]
    drawing = model.averaged_generator or model.generator
    if recipe.calibrated:
        if run.verbose:
            print("calibrating spread, contrast and brightness ...")
        calibrate(drawing, pictures)
    save_weights(drawing, paths[0], picture=_PICTURE)
    save_weights(model.discriminator, paths[1])
    return paths


def _draw(model, count):
    """Pictures `(count, 16, 16)` of the averaged generator, the same latents always."""
    network, stream = model.averaged_generator or model.generator, Stream(0)
    with stream.feeds():
        parts = [network(model.latent_generator(500)) for _ in range(0, count, 500)]
    return np.concatenate(parts)[..., 0]


def _better(name, value):
    bound = COURSE[name]
    return value >= bound if name in ("precision", "recall") else value <= bound
