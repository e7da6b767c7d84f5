"""Convolutional generator and discriminator for 16×16 faces (task 3)."""

import keras
from keras import layers


def convolutional_GenDiscr():
    """The course's networks for grey faces: 339,493 and 388,097 parameters.

    Returns:
        Tuple `(generator, discriminator)`. Generator: latents `(batch, 16)` ->
        pictures `(batch, 16, 16, 1)` in (−1, 1). Discriminator: pictures
        `(batch, 16, 16, 1)` -> `(batch, 1)` in (−1, 1). Convolutions are 3×3 with
        padding "same"; every activation is tanh.
    """
    return _generator(), _discriminator()


def _generator():
    inputs = keras.Input((16,))
    x = layers.Dense(2048, activation="tanh")(inputs)
    x = layers.Reshape((2, 2, 512))(x)
    for filters in (64, 16, 1):
        x = layers.UpSampling2D()(x)
        x = layers.Conv2D(filters, 3, padding="same")(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation("tanh")(x)
    return keras.Model(inputs, x, name="generator")


def _discriminator():
    inputs = x = keras.Input((16, 16, 1))
    for filters in (32, 64, 128, 256):
        x = layers.Conv2D(filters, 3, padding="same")(x)
        x = layers.MaxPooling2D()(x)
        x = layers.Activation("tanh")(x)
    x = layers.Flatten()(x)
    x = layers.Dense(1, activation="tanh")(x)
    return keras.Model(inputs, x, name="discriminator")
