"""A residual generator and discriminator, small versions of those of R3GAN."""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from typing import Any

import keras
from keras import layers

from gan.errors import expect_positive_int, require, shown
from gan.latent import LatentGenerator

# The number of classes and the length of a condition vector. At most one is given.
Given = tuple[int | None, int | None]


def residual_GenDiscr(
    shape: tuple[int, int, int],
    latent_dim: int = 64,
    width: int = 32,
    classes: int | None = None,
    bounded: bool = True,
    condition: int | None = None,
    reader: keras.Model | None = None,
) -> tuple[keras.Model, keras.Model, LatentGenerator]:
    """Builds two residual networks without normalisation, and a latent sampler.

    The discriminator is a chain of stages. Each stage halves the sides, until one of
    them is odd or below 8. The second and the third stage double the channels. The
    generator is the same chain in reverse. Each residual block is the identity before
    training, because its last convolution is initialised with zeros.

    Args:
        shape: tuple `(h, w, c)`, shape of a picture. The sides must be multiples of 4,
            at least 8; c must be 1 or 3.
        latent_dim: int, dimension of the latents, N(0, 1).
        width: int, number of channels at the highest resolution. With the default,
            32×32 pictures can be trained on a laptop without a GPU.
        classes: int, number of classes. The generator then takes `[latents, labels]`,
            the discriminator `[pictures, labels]`. `None` for networks without labels.
        bounded: bool, whether the generator ends in a sigmoid. `False` makes the last
            layer linear; values outside [0, 1] are clipped when pictures are drawn. Use
            `False` for pictures with large areas of pure black or white, such as emoji
            on white, which saturate a sigmoid until its gradient vanishes.
        condition: int, length of the condition vectors that both networks then take
            instead of labels: several labels at once, words, or measurements of about
            −1 to 1. `None` for networks without condition vectors.
        reader: `keras.Model` of `gan.conditions.fit_reader`, which becomes the
            discriminator's second output, as `gan.CaptionGAN` needs it; or `None`.

    Returns:
        Tuple `(generator, discriminator, latent_generator)`. Generator: float32 latents
        `(batch, latent_dim)` -> float32 pictures `(batch, h, w, c)`, in [0, 1] if
        `bounded` and otherwise about in [0, 1]. Discriminator: such pictures -> logits
        `(batch, 1)`. With classes or a condition, it is the projection discriminator of
        Miyato and Koyama. Train the networks with `pixel_range=(0, 1)`.

    Raises:
        InvalidInput: if an argument is invalid.

    Reference:
        Huang et al. 2024, The GAN is dead; long live the GAN! A Modern GAN Baseline,
        section 3; Miyato and Koyama 2018, cGANs with Projection Discriminator, equation
        4.
    """
    lowest, channels, widths = stages(
        shape, latent_dim, width, classes, condition, reader
    )
    given = (classes, condition)
    return (
        make_generator(lowest, channels, widths, latent_dim, given, bounded),
        _discriminator((*map(int, shape),), widths, given, reader),
        LatentGenerator(latent_dim),
    )


def stages(
    shape: tuple[int, int, int],
    latent_dim: int,
    width: int,
    classes: int | None,
    condition: int | None = None,
    reader: keras.Model | None = None,
) -> tuple[tuple[int, int], int, list[int]]:
    """Checks a builder's arguments and computes the sizes of its stages.

    Args:
        shape: as in `residual_GenDiscr`.
        latent_dim: as in `residual_GenDiscr`.
        width: as in `residual_GenDiscr`.
        classes: as in `residual_GenDiscr`.
        condition: as in `residual_GenDiscr`.
        reader: as in `residual_GenDiscr`.

    Returns:
        Tuple of the pair of sides at the lowest resolution, the number of channels of a
        picture, and a list of the numbers of channels of the stages, starting at the
        highest resolution.

    Raises:
        InvalidInput: if an argument is invalid.
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
    wanted = (None, *(int(size) for size in three)), (None, condition)
    found = [getattr(reader, f"{side}_shape", None) for side in ("input", "output")]
    require(
        reader is None or (*found,) == wanted and not reader.trainable_variables,
        "The argument reader must be a frozen network, as gan.conditions.fit_reader "
        f"makes it for these pictures and vectors, with the input shape {wanted[0]} "
        f"and the output shape {wanted[1]}, but it is {shown(reader)}.",
        "reader",
    )
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
    """Builds the generator of `residual_GenDiscr` from the result of `stages`.

    Args:
        lowest: pair of ints, the sides at the lowest resolution.
        channels: int, number of channels of a picture.
        widths: list of ints, numbers of channels of the stages.
        latent_dim: int, dimension of the latents.
        given: pair of `classes` and `condition`, as in `residual_GenDiscr`.
        bounded: bool, as in `residual_GenDiscr`.
        smooth: bool, whether the pixels are means over 2×2 squares, which prevents
            checkerboard patterns.
    """
    latents = inputs = x = keras.Input((latent_dim,), name="latents")
    if any(given):
        condition, embedded = _embed(given, latent_dim)
        inputs, x = [latents, condition], layers.Concatenate()([x, embedded])
    # The dense layer learns one small picture for each number of a latent vector.
    x = layers.Dense(lowest[0] * lowest[1] * widths[-1])(x)
    x = layers.Reshape((*lowest, widths[-1]))(x)
    for width, after in zip(widths[::-1], [*widths[-2::-1], None], strict=True):
        x = block(x, width)
        if after:
            x = layers.Conv2D(after, 1)(x) if after != width else x
            x = layers.UpSampling2D(interpolation="bilinear")(x)
    x = layers.LeakyReLU(0.2)(x)
    end = "sigmoid" if bounded else None
    # The last layer is float32 under every mixed-precision policy.
    last = {"padding": "same", "dtype": "float32"}
    if smooth:
        middle = keras.initializers.Constant(0.0 if bounded else 0.5)
        x = smooth_pixels(x, channels, bias_initializer=middle)
        x = layers.Activation(end, dtype="float32")(x) if bounded else x
    elif channels == 1:
        x = layers.UpSampling2D(interpolation="bilinear")(x)
        x = layers.Conv2D(1, 3, activation=end, **last)(x)
    else:
        # Each pixel of a 2×2 square has its own weights, so that edges can be sharp.
        x = layers.Conv2DTranspose(channels, 6, 2, activation=end, **last)(x)
    return keras.Model(inputs, x, name="generator")


def smooth_pixels(
    x: keras.KerasTensor, channels: int, **options: Any
) -> keras.KerasTensor:
    """Doubles both sides to pixels that are means over 2×2 squares.

    A checkerboard vanishes in these means.

    Args:
        x: tensor `(batch, h, w, width)`.
        channels: int, number of channels of a pixel.
        **options: options of the convolution.

    Returns:
        Float32 tensor `(batch, 2 h, 2 w, channels)`.
    """
    # Each pixel of a 2×2 square has its own weights, as in a transposed 6×6
    # convolution, which takes longer.
    x = layers.Conv2D(4 * channels, 3, padding="same", **options)(x)
    height, breadth = x.shape[1:3]
    x = layers.Reshape((height, breadth, 2, 2, channels))(x)
    x = layers.Permute((1, 3, 2, 4, 5))(x)
    x = layers.Reshape((2 * height, 2 * breadth, channels))(x)
    return layers.AveragePooling2D(2, 1, padding="same", dtype="float32")(x)


def _discriminator(shape, widths, given, reader):
    pictures = keras.Input(shape, name="pictures")
    x = layers.Rescaling(4.0, -2.0)(pictures)
    x = layers.Conv2D(widths[0], 4, 2, padding="same")(x)
    for width, after in zip(widths, [*widths[1:], None], strict=True):
        x = block(x, width)
        if after:
            x = layers.AveragePooling2D(2)(x)
            x = layers.Conv2D(after, 1)(x) if after != width else x
    x = layers.LeakyReLU(0.2)(x)
    return end_discriminator(pictures, x, 4 * widths[-1], given, reader)


def end_discriminator(
    pictures: keras.KerasTensor,
    x: keras.KerasTensor,
    units: int,
    given: Given,
    reader: keras.Model | None = None,
) -> keras.Model:
    """Adds the last layers of a discriminator: dense, logit, projection.

    Args:
        pictures: symbolic float tensor `(batch, h, w, c)`, the discriminator's input.
        x: symbolic float tensor `(batch, h, w, channels)`, the convolutions' output.
        units: int, size of the dense layer.
        given: pair of `classes` and `condition`, as in `residual_GenDiscr`.
        reader: as in `residual_GenDiscr`.

    Returns:
        `keras.Model`, pictures or `[pictures, condition]` -> logits `(batch, 1)`, or a
        list of these and of the logits of the condition.

    Formula:
        w·φ(x) + b + φ(x)·E(c), φ the dense layer's outputs, E(c) the embedding of a
        class, or V c for a vector
    """
    features = layers.Dense(units)(layers.Flatten()(x))
    features = layers.LeakyReLU(0.2)(features)
    # The last layer is float32 under every mixed-precision policy.
    x, inputs = layers.Dense(1, dtype="float32")(features), pictures
    if any(given):
        condition, embedded = _embed(given, features.shape[-1])
        inputs = [pictures, condition]
        x = layers.Add(dtype="float32")([x, layers.Dot(1)([features, embedded])])
    if reader is not None:
        x = [x, reader(pictures)]
    return keras.Model(inputs, x, name="discriminator")


def _embed(given, units):
    """The input layer of a condition, and an embedding of it of `units` numbers."""
    classes, size = given
    if classes:
        labels = keras.Input((), dtype="int32", name="labels")
        return labels, layers.Embedding(classes, units)(labels)
    vector = keras.Input((size,), name="condition")
    return vector, layers.Dense(units, use_bias=False)(vector)


def block(x: keras.KerasTensor, width: int) -> keras.KerasTensor:
    """A residual block of `width` channels, which is the identity before training."""
    y = layers.LeakyReLU(0.2)(x)
    y = layers.Conv2D(width, 3, padding="same")(y)
    y = layers.LeakyReLU(0.2)(y)
    y = layers.Conv2D(width, 3, padding="same", kernel_initializer="zeros")(y)
    return layers.Add()([x, y])
