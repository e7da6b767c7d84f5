"""Training of a face generator: from a set of pictures to two weights files."""

import dataclasses
import pathlib

import keras

from gan._validation import expect, expect_positive_int
from gan.generate_faces import convolutional_GenDiscr
from gan.latent import LatentGenerator
from gan.schedules import LinearDecay
from gan.weights import save_weights
from gan.wgan_gp import WGAN_GP


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
        ema: float or None, decay of the averaged generator.
        hold: float or None, the share of the run before the learning rates fall
            linearly to 0; None keeps them.
    """

    epochs: int
    steps_per_epoch: int
    batch_size: int
    disc_iter: int
    learning_rate: float
    beta_1: float
    ema: float | None
    hold: float | None


RECIPES = {
    # One batch norm step more often and an average that follows: facts by faces/README.
    "gan": Recipe(60, 200, 50, 2, 1e-3, 0.0, 0.995, 0.3),
    "course": Recipe(150, 200, 200, 2, 1e-4, 0.3, None, None),
}


def make_model(faces, recipe, seed=0):
    """Make the networks and the model of a recipe, compiled.

    Args:
        faces: `gan.faces.Faces` of 16×16 pictures.
        recipe: `Recipe`.
        seed: int; the same seed gives the same run.

    Returns:
        `WGAN_GP` on the normalized faces.
    """
    keras.utils.set_random_seed(seed)
    generator, discriminator = convolutional_GenDiscr()
    steps = recipe.epochs * recipe.steps_per_epoch

    def adam(updates):
        rate = recipe.learning_rate
        if recipe.hold is not None:
            rate = LinearDecay(rate, updates, recipe.hold)
        return keras.optimizers.Adam(rate, recipe.beta_1, 0.9)

    model = WGAN_GP(
        generator,
        discriminator,
        LatentGenerator(16),
        faces.normalized,
        recipe.batch_size,
        recipe.disc_iter,
        recipe.learning_rate,
        beta_1=recipe.beta_1,
        ema=recipe.ema,
        generator_optimizer=adam(steps),
        discriminator_optimizer=adam(steps * recipe.disc_iter),
    )
    model.compile()
    return model


def train(faces, directory, recipe=RECIPES["gan"], seed=0, verbose="auto"):
    """Train on faces and write the networks' weights.

    Args:
        faces: `gan.faces.Faces` of 16×16 pictures, at least a batch of them.
        directory: str or `os.PathLike`, an existing folder.
        recipe: `Recipe`.
        seed: int; the same seed gives the same files on one machine.
        verbose: as in Keras's `fit`.

    Returns:
        List of two `pathlib.Path`: `generator.h5` (the averaged generator, where the
        recipe has one, with how its output becomes a picture) and
        `discriminator.h5`.
    """
    directory = pathlib.Path(directory)
    expect(directory.is_dir(), "an existing folder", directory=str(directory))
    expect_positive_int(epochs=recipe.epochs, steps_per_epoch=recipe.steps_per_epoch)
    model = make_model(faces, recipe, seed)
    model.fit(
        epochs=recipe.epochs, steps_per_epoch=recipe.steps_per_epoch, verbose=verbose
    )
    generator, discriminator = (
        directory / "generator.h5",
        directory / "discriminator.h5",
    )
    picture = (faces.mean_face, faces.multiplier)
    save_weights(model.averaged_generator or model.generator, generator, picture)
    save_weights(model.discriminator, discriminator)
    return [generator, discriminator]
