"""Convolutional generator and discriminator for 16×16 faces (task 3)."""

from __future__ import annotations

import keras
from keras import layers


def convolutional_GenDiscr() -> tuple[keras.Model, keras.Model]:
    """The course's networks for grey faces: 339,493 and 388,097 parameters.

    Returns:
        Tuple `(generator, discriminator)`. Generator: latents `(batch, 16)` ->
        pictures `(batch, 16, 16, 1)` in (−1, 1). Discriminator: pictures
        `(batch, 16, 16, 1)` -> `(batch, 1)` in (−1, 1). Convolutions are 3×3 with
        padding "same"; every activation is tanh.

    As a teacher this discriminator is slow and short-sighted: it pools by maxima and
    ends in a tanh. `gan.recipes.faces.make_teacher` sees more of the same pictures in
    a fraction of the time, the more so with the generator in inference mode
    (`batch_statistics=False`) and its weights averaged (`ema=0.998`).
    """
    return _generator(), _discriminator()


# Layers have fixed names, so that equal weights make equal files.
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
