"""Lesson: compares a trained discriminator with theory, for a fixed generator."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from gan import plots, toys
from gan.errors import expect_positive_int
from gan.latent import LatentGenerator, seeded
from gan.lessons import Lesson
from gan.schedules import LinearDecay
from gan.training.adam import Adam
from gan.variants.minimax_gan import MinimaxGAN

REAL, FAKE = (4.0, 1.25), (2.5, 0.8)  # means and standard deviations


def run(epochs: int = 20, seed: int = 0, verbose: int = 0) -> Lesson:
    """Compare the discriminator that training finds with the best one.

    Args:
        epochs: as in `train_against_fixed`.
        seed: as in `train_against_fixed`.
        verbose: as in `train_against_fixed`.

    Returns:
        `Lesson` of one figure; its text gives the value of the game, found and by
        theory.
    """
    model = train_against_fixed(epochs, seed, verbose)
    x = np.linspace(-1, 9, 2001)
    densities = [normal_density(x, *law) for law in (REAL, FAKE)]
    found = tf.sigmoid(model.discriminator(x[:, None]))[:, 0].numpy()
    best = best_discriminator(*densities)
    value = -np.array(model.history.history["discr_loss"])
    limit = value_of_best(x, *densities)
    title = "a fixed generator in one dimension"
    figure = plots.discriminator_and_value(
        x, densities, found, best, value, limit, title
    )
    text = f"value of the game: {value[-1]:.4f} in the last epoch; in theory, "
    text += f"2 JS - log 4 = {limit:.4f}"
    return Lesson({"theory": figure}, text)


def normal_density(x: np.ndarray, mean: float, std: float) -> np.ndarray:
    """Density of a normal distribution.

    Args:
        x: float array.
        mean: float.
        std: float above 0.

    Returns:
        float array of the shape of x, at least 0.

    Formula:
        exp(−((x − mean) / std)² / 2) / (std · √(2π))
    """
    return np.exp(-(((x - mean) / std) ** 2) / 2) / (std * np.sqrt(2 * np.pi))


def best_discriminator(p_data: np.ndarray, p_fake: np.ndarray) -> np.ndarray:
    """The optimal discriminator for a fixed generator.

    Args:
        p_data, p_fake: arrays of one shape, densities of reals and fakes, not both 0.

    Returns:
        array in [0, 1], the probability of "real".

    Formula:
        p_data / (p_data + p_fake)

    Reference:
        Goodfellow et al. 2014, Generative Adversarial Nets, proposition 1.
    """
    return p_data / (p_data + p_fake)


def value_of_best(x: np.ndarray, p_data: np.ndarray, p_fake: np.ndarray) -> float:
    """The value of the game for the best discriminator, by the trapezoidal rule.

    Args:
        x: array `(k,)`, rising; both densities must be negligible outside it.
        p_data, p_fake: arrays `(k,)`, densities above 0 at x.

    Returns:
        float in [−log 4, 0].

    Formula:
        ∫ p_data log D + p_fake log(1 − D) = 2 JS(p_data, p_fake) − log 4

    Reference:
        Goodfellow et al. 2014, Generative Adversarial Nets, theorem 1.
    """
    real, fake = p_data / (p_data + p_fake), p_fake / (p_data + p_fake)
    return float(np.trapezoid(p_data * np.log(real) + p_fake * np.log(fake), x))


def train_against_fixed(
    epochs: int = 20, seed: int = 0, verbose: int = 0
) -> MinimaxGAN:
    """Trains a discriminator against a fixed generator.

    Reals are drawn from N(4, 1.25²), and fakes are 2.5 + .8 z, z ~ N(0, 1). The model
    is a `MinimaxGAN` with a dense discriminator, whose learning rate falls to 0.

    Args:
        epochs: int, number of epochs of 100 updates.
        seed: int.
        verbose: as in Keras's `fit`.

    Returns:
        Trained `MinimaxGAN`; minus its `discr_loss` is the value of the game.
    """
    expect_positive_int(epochs=epochs)
    mean, std = FAKE
    with seeded(seed):
        generator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        generator.set_weights([np.full((1, 1), std), np.full(1, mean)])
        hidden = [keras.layers.Dense(16, "tanh") for _ in range(2)]
        layers = [keras.Input((1,)), *hidden, keras.layers.Dense(1)]
        model = MinimaxGAN(
            generator,
            keras.Sequential(layers),
            LatentGenerator(1),
            toys.gaussian(100_000, *REAL, seed=seed),
            batch_size=1000,
            disc_iter=1,
            generator_optimizer=keras.optimizers.SGD(0.0),
            discriminator_optimizer=Adam(LinearDecay(0.01, 100 * epochs)),
        )
    model.compile()
    model.fit(epochs=epochs, steps_per_epoch=100, verbose=verbose)
    return model
