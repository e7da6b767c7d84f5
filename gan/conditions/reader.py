"""A network that predicts the words, or any condition vector, of a picture."""

from __future__ import annotations

import time
from collections.abc import Callable

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from gan.errors import expect_array, expect_number, expect_positive_int, require
from gan.latent import seeded


def fit_reader(
    pictures: npt.ArrayLike,
    vectors: npt.ArrayLike,
    steps: int = 2000,
    width: int = 32,
    seed: int = 0,
    tell: Callable[[str], object] | None = None,
    noise: float = 0.2,
) -> keras.Model:
    """Trains a network to predict the condition vectors of pictures, and freezes it.

    `gan.strided_GenDiscr(reader=…)` makes it a part of the discriminator, as
    `gan.CaptionGAN` needs it. 2,000 steps on pictures of 32×32 pixels take a minute
    and a half on one core.

    In training, noise is added to the pictures, for this network and later for the
    generator. Without noise, a generator learns invisible patterns that this network
    takes for words.

    Args:
        pictures: array `(N, h, w, c)`, float in [0, 1] or uint8, with sides of at
            least 8.
        vectors: float array `(N, d)` in [0, 1], such as `words(captions)`.
        steps: int, number of updates, each with 64 pictures; the learning rate falls
            to 0.
        width: int, number of channels of the first convolution.
        seed: int; the same seed gives the same network.
        tell: callable that is given a line with the time left after each fifth of the
            steps, such as `print`; or `None`.
        noise: float, standard deviation of the noise, on the scale of the pictures.

    Returns:
        `keras.Model` whose weights are frozen, float32 pictures `(batch, h, w, c)` in
        [0, 1] -> logits `(batch, d)`.

    Raises:
        InvalidInput: if an argument is invalid.

    Reference:
        Santurkar et al. 2019, Image Synthesis with a Single (Robust) Classifier,
        section 2; there the noise is adversarial.
    """
    expect_positive_int(steps=steps, width=width)
    expect_number(0, noise=noise)
    vectors = np.float32(expect_array((None, None), vectors=vectors))
    pictures = expect_array((len(vectors), None, None, None), pictures=pictures)
    for name, given in (("pictures", pictures), ("vectors", vectors)):
        small = given.dtype == np.uint8 or given.min() >= 0 and given.max() <= 1
        or_bytes = ", or be bytes (uint8)" if name == "pictures" else ""
        said = f"The argument {name} must hold numbers in [0, 1]{or_bytes}: scale it."
        require(small, said, name)
    said = "The argument pictures must have sides of at least 8, but they are "
    sides = pictures.shape[1:3]
    require(min(sides) >= 8, f"{said}{sides[0]} and {sides[1]}.", "pictures")
    with seeded(seed):
        inputs = keras.Input(pictures.shape[1:], name="pictures")
        x = layers.Rescaling(4.0, -2.0)(layers.GaussianNoise(noise)(inputs))
        for factor in (1, 2, 4):
            x = layers.Conv2D(factor * width, 4, 2, padding="same")(x)
            x = layers.LeakyReLU(0.2)(x)
        x = layers.LeakyReLU(0.2)(layers.Dense(16 * width)(layers.Flatten()(x)))
        x = layers.Dense(vectors.shape[1], dtype="float32")(x)
        trained = keras.Model(inputs, x)
        rate = keras.optimizers.schedules.CosineDecay(1e-3, steps)
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        trained.compile(keras.optimizers.Adam(rate), loss)
        rng, start = np.random.default_rng(seed), time.monotonic()
        for step in range(steps):
            if tell is not None and step and step % max(steps // 5, 1) == 0:
                left = (time.monotonic() - start) / step * (steps - step)
                tell(f"words: {step / steps:.0%}, about {left:.0f} seconds left")
            chosen = rng.choice(len(pictures), min(64, len(pictures)), replace=False)
            some = pictures[np.sort(chosen)]
            if some.dtype == np.uint8:
                some = np.divide(some, 255, dtype=np.float32)
            trained.train_on_batch(some, vectors[np.sort(chosen)])
    # A new network of the same layers, which is not compiled.
    reader = keras.Model(inputs, x, name="reader")
    reader.trainable = False
    return reader
