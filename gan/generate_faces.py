"""Convolutional networks for 16×16 faces (task 3 of the course "GANs")."""

from __future__ import annotations

import keras
from keras import layers


def convolutional_GenDiscr() -> tuple[keras.Model, keras.Model]:
    """Builds the course's networks for grey faces (339,493 and 388,097 parameters).

    Returns:
        Tuple `(generator, discriminator)`. Generator: latents `(batch, 16)` ->
        pictures `(batch, 16, 16, 1)` in (−1, 1). Discriminator: pictures
        `(batch, 16, 16, 1)` -> `(batch, 1)` in (−1, 1). Convolutions are 3×3 with
        padding "same"; every activation is tanh.

    This discriminator is slow, and its max pooling and final tanh limit what the
    generator learns from it. `gan.recipes.faces.make_teacher` builds a discriminator
    that trains the same generator better in a fraction of the time, especially with the
    generator in inference mode (`batch_statistics=False`) and its weights averaged
    (`ema=0.998`).
    """
    return _generator(), _discriminator()


# The layers have fixed names, so that equal weights are saved as equal files.
def _generator():
    inputs = keras.Input((16,), name="latents")
    x = layers.Dense(2048, activation="tanh", name="dense")(inputs)
    x = layers.Reshape((2, 2, 512), name="reshape")(x)
    for filters in (64, 16, 1):
        x = layers.UpSampling2D(name=f"up_{filters}")(x)
        x = layers.Conv2D(filters, 3, padding="same", name=f"conv_{filters}")(x)
        x = layers.BatchNormalization(name=f"norm_{filters}")(x)
        x = layers.Activation("tanh", name=f"tanh_{filters}")(x)
    return keras.Model(inputs, x, name="generator")


def _discriminator():
    inputs = x = keras.Input((16, 16, 1), name="pictures")
    for filters in (32, 64, 128, 256):
        x = layers.Conv2D(filters, 3, padding="same", name=f"conv_{filters}")(x)
        x = layers.MaxPooling2D(name=f"pool_{filters}")(x)
        x = layers.Activation("tanh", name=f"tanh_{filters}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(1, activation="tanh", name="dense")(x)
    return keras.Model(inputs, x, name="discriminator")
