"""A residual generator and discriminator, the pair of R3GAN made small."""

from __future__ import annotations

import numbers
from collections.abc import Iterable

import keras
from keras import layers

from gan.errors import expect_positive_int, require, shown
from gan.latent import LatentGenerator

# The number of classes and the length of a vector, of which one is `None`, or both.
Given = tuple[int | None, int | None]


def residual_GenDiscr(
    shape: tuple[int, int, int],
    latent_dim: int = 64,
    width: int = 32,
    classes: int | None = None,
    bounded: bool = True,
    condition: int | None = None,
) -> tuple[keras.Model, keras.Model, LatentGenerator]:
    """Two residual networks without normalisation, and the sampler of the first.

    Each is a chain of stages from the highest resolution, where pixels are read or
    written by one convolution, to the lowest, of 4 to 7 pixels a side; a stage halves
    the side and doubles the channels. A stage's residual block begins as the identity,
    for its last convolution starts at zero.

    Args:
        shape: tuple `(h, w, c)` of a picture: sides that are multiples of 4, at least
            8; one channel or three.
        latent_dim: int, dimension of the latents, N(0, 1).
        width: int, channels of the stage with the most pixels. The default trains
            32×32 pictures on a laptop without a GPU.
        classes: int, makes both conditional: the generator takes `[latents, labels]`,
            the discriminator `[pictures, labels]`. `None`: none.
        bounded: bool, whether the generator ends in a sigmoid, which gives pure black
            and white. `False` ends it linearly, and what lies outside [0, 1] is clipped
            when it is drawn: pictures with large areas at both ends, such as emoji on
            white, push a sigmoid so far out that its slope is lost.
        condition: int, makes both take vectors of so many numbers instead of labels:
            several labels at once, words, measurements of about −1 to 1. `None`: none.

    Returns:
        Tuple `(generator, discriminator, latent_generator)`. Generator: latents
        `(batch, latent_dim)` -> pictures `(batch, h, w, c)`, in [0, 1] if `bounded` and
        else only about so. Discriminator: pictures of that scale -> logits `(batch,
        1)`; with classes or a condition the projection of Miyato and Koyama. Train them
        with `pixel_range=(0, 1)`.

    Raises:
        InvalidInput: if an argument is not of that form.

    Reference:
        Huang et al. 2024, The GAN is dead; long live the GAN! A Modern GAN Baseline,
        section 3; Miyato and Koyama 2018, cGANs with Projection Discriminator,
        equation 4.
    """
    lowest, channels, widths = stages(shape, latent_dim, width, classes, condition)
    given = (classes, condition)
    return (
        make_generator(lowest, channels, widths, latent_dim, given, bounded),
        _discriminator((*map(int, shape),), widths, given),
        LatentGenerator(latent_dim),
    )


def stages(
    shape: tuple[int, int, int],
    latent_dim: int,
    width: int,
    classes: int | None,
    condition: int | None = None,
) -> tuple[tuple[int, int], int, list[int]]:
    """Check a builder's arguments; find the smallest sides, and the stages' channels.

    Args:
        shape: as of `residual_GenDiscr`, and so the others.
        latent_dim: the same.
        width: the same.
        classes: the same.
        condition: the same.

    Returns:
        Tuple of the pair of sides of the lowest stage, the number of channels of a
        picture, and a list of the channels of each stage, the one with the most pixels
        first.

    Raises:
        InvalidInput: if an argument is not of that form.
    """
    three = [*shape] if isinstance(shape, Iterable) else []
    fits = len(three) == 3 and all(isinstance(n, numbers.Integral) for n in three)
    fits = fits and all(side >= 8 and side % 4 == 0 for side in three[:2])
    require(
        fits and three[2] in (1, 3),
        "The argument shape must be (h, w, c), with sides that are multiples of 4 and "
        f"at least 8, and 1 or 3 channels, but it is {shown(shape)}.",
        "shape",
    )
    expect_positive_int(latent_dim=latent_dim, width=width)
    if classes is not None:
        expect_positive_int(classes=classes)
    if condition is not None:
        expect_positive_int(condition=condition)
        said = "The arguments classes and condition exclude each other: leave one out."
        require(classes is None, said, "condition")
    height, breadth, channels = (int(size) for size in three)
    widths = []
    while all(side >= 8 and side % 2 == 0 for side in (height, breadth)):
        height, breadth = height // 2, breadth // 2
        widths.append(width * 2 ** min(len(widths), 2))
    return (height, breadth), channels, widths


def make_generator(
    lowest: tuple[int, int],
    channels: int,
    widths: list[int],
    latent_dim: int,
    given: Given,
    bounded: bool,
    smooth: bool = False,
) -> keras.Model:
    """The generator of `residual_GenDiscr`, of the stages that `stages` gives.

    Args:
        lowest: pair of ints.
        channels: int.
        widths: list of ints.
        latent_dim: int.
        given: pair of `classes` and `condition`, as of `residual_GenDiscr`.
        bounded: bool.
        smooth: bool, whether the pixels are means over squares of four, which cannot
            hold a checkerboard.
    """
    latents = inputs = x = keras.Input((latent_dim,), name="latents")
    if any(given):
        condition, embedded = _embed(given, latent_dim)
        inputs, x = [latents, condition], layers.Concatenate()([x, embedded])
    # A basis of the smallest pictures, one for each of the latent numbers, is learnt.
    x = layers.Dense(lowest[0] * lowest[1] * widths[-1])(x)
    x = layers.Reshape((*lowest, widths[-1]))(x)
    for width, after in zip(widths[::-1], [*widths[-2::-1], None], strict=True):
        x = block(x, width)
        if after:
            x = layers.Conv2D(after, 1)(x) if after != width else x
            x = layers.UpSampling2D(interpolation="bilinear")(x)
    x = layers.LeakyReLU(0.2)(x)
    end = "sigmoid" if bounded else None
    # Whatever the policy of mixed precision, networks end in float32.
    last = {"padding": "same", "dtype": "float32"}
    if smooth:
        # Each pixel of a square of four has taps of its own, as in a transposed
        # convolution 6×6, which takes longer.
        middle = keras.initializers.Constant(0.0 if bounded else 0.5)
        options = {"padding": "same", "bias_initializer": middle}
        x = layers.Conv2D(4 * channels, 3, **options)(x)
        height, breadth = x.shape[1:3]
        x = layers.Reshape((height, breadth, 2, 2, channels))(x)
        x = layers.Permute((1, 3, 2, 4, 5))(x)
        x = layers.Reshape((2 * height, 2 * breadth, channels))(x)
        x = layers.AveragePooling2D(2, 1, padding="same", dtype="float32")(x)
        x = layers.Activation(end, dtype="float32")(x) if bounded else x
    elif channels == 1:
        x = layers.UpSampling2D(interpolation="bilinear")(x)
        x = layers.Conv2D(1, 3, activation=end, **last)(x)
    else:
        # Sharp edges of colours: each pixel of a square of four has taps of its own.
        x = layers.Conv2DTranspose(channels, 6, 2, activation=end, **last)(x)
    return keras.Model(inputs, x, name="generator")


def _discriminator(shape, widths, given):
    pictures = keras.Input(shape, name="pictures")
    x = layers.Rescaling(4.0, -2.0)(pictures)
    x = layers.Conv2D(widths[0], 4, 2, padding="same")(x)
    for width, after in zip(widths, [*widths[1:], None], strict=True):
        x = block(x, width)
        if after:
            x = layers.AveragePooling2D(2)(x)
            x = layers.Conv2D(after, 1)(x) if after != width else x
    x = layers.LeakyReLU(0.2)(x)
    return end_discriminator(pictures, x, 4 * widths[-1], given)


def end_discriminator(
    pictures: keras.KerasTensor, x: keras.KerasTensor, units: int, given: Given
) -> keras.Model:
    """End a discriminator: a dense layer, the logit, a condition's projection.

    Args:
        pictures: input of the discriminator.
        x: what its convolutions make of it, `(batch, h, w, channels)`.
        units: int, of the dense layer.
        given: pair of `classes` and `condition`, as of `residual_GenDiscr`.

    Returns:
        `keras.Model`, pictures, or `[pictures, condition]`, -> logits `(batch, 1)`.

    Formula:
        w·φ(x) + b + φ(x)·E(c), φ the dense layer's outputs, E(c) the embedding of the
        class, or V c of a vector
    """
    features = layers.Dense(units)(layers.Flatten()(x))
    features = layers.LeakyReLU(0.2)(features)
    # Whatever the policy of mixed precision, networks end in float32.
    x, inputs = layers.Dense(1, dtype="float32")(features), pictures
    if any(given):
        condition, embedded = _embed(given, features.shape[-1])
        inputs = [pictures, condition]
        x = layers.Add(dtype="float32")([x, layers.Dot(1)([features, embedded])])
    return keras.Model(inputs, x, name="discriminator")


def _embed(given, units):
    """The input of a condition, and so many numbers that a network makes of it."""
    classes, size = given
    if classes:
        labels = keras.Input((), dtype="int32", name="labels")
        return labels, layers.Embedding(classes, units)(labels)
    vector = keras.Input((size,), name="condition")
    return vector, layers.Dense(units, use_bias=False)(vector)


def block(x: keras.KerasTensor, width: int) -> keras.KerasTensor:
    """A residual block of so many channels, which begins as the identity."""
    y = layers.LeakyReLU(0.2)(x)
    y = layers.Conv2D(width, 3, padding="same")(y)
    y = layers.LeakyReLU(0.2)(y)
    y = layers.Conv2D(width, 3, padding="same", kernel_initializer="zeros")(y)
    return layers.Add()([x, y])
