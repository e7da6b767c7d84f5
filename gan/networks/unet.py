"""A U-Net that translates pictures, and a discriminator of patches."""

from __future__ import annotations

import numbers
from collections.abc import Iterable

import keras
from keras import layers

from gan.conditions import Condition
from gan.errors import expect_choice, expect_positive_int, require, shown
from gan.latent import LatentGenerator
from gan.networks.residual import block, smooth_pixels, stages


def unet_GenDiscr(
    inputs: tuple[int, int, int] | Condition,
    targets: tuple[int, int, int],
    width: int = 64,
    latent_dim: int | None = None,
    masked: bool | None = None,
    smooth: bool = False,
) -> tuple[keras.Model, keras.Model, LatentGenerator | None]:
    """Builds two networks for picture translation, without normalisation.

    The generator is a U-Net: a chain of stages that starts at half the sides of the
    target, halves them until one is odd or below 8, and goes back up, with skip
    connections between stages of equal resolution. Its output is added to the input,
    which is enlarged by bicubic interpolation if it is smaller than the target. Before
    training, the U-Net adds zero. An input that is as small as one of the stages enters
    the chain there.

    The discriminator sees a picture and its input. It judges patches of 18×18 pixels,
    and returns the mean of its outputs on them, so that gradient penalties apply to one
    number for each picture.

    Args:
        inputs: tuple `(h, w, c)`, shape of an input, or a layer of `gan.conditions`
            that computes the inputs. Sides that divide those of the target work best.
        targets: tuple `(h, w, c)`, shape of a target. The sides must be multiples of 4,
            at least 8; c must be 1 or 3.
        width: int, number of channels of the first stage. The others have twice as
            many.
        latent_dim: int, dimension of the latents, N(0, 1), with which one input has
            several outputs. `None` for a generator without latents.
        masked: bool, whether the last channel of an input is a mask: 1 where the
            generator draws, 0 where the output equals the input exactly. `None` takes
            the layer's attribute `masked`, or `False` if `inputs` is a tuple.
        smooth: bool, whether what the generator adds to its input is a mean over 2×2
            squares, which prevents checkerboard patterns, but also the finest details.

    Returns:
        Tuple `(generator, discriminator, latent_generator)`. Generator: float32 inputs
        `(batch, h, w, c)` in [0, 1], or `[latents, inputs]`, -> float32 pictures
        `(batch, h, w, c)` about in [0, 1]. Discriminator: `[pictures, inputs]` ->
        logits `(batch, 1)`. The sampler is `None` without latents. Train the networks
        with `pixel_range=(0, 1)`.

    Raises:
        InvalidInput: if an argument is invalid.

    Reference:
        Isola et al. 2017, Image-to-Image Translation with Conditional Adversarial
        Networks, section 3.2; R3GAN's blocks: Huang et al. 2024, section 3.
    """
    lowest, channels, widths = stages(targets, latent_dim or 1, width, None)
    if latent_dim is not None:
        expect_positive_int(latent_dim=latent_dim)
    targets = (*map(int, targets),)
    if isinstance(inputs, Condition):
        masked = inputs.masked if masked is None else masked
        inputs = inputs.compute_output_shape((None, *targets))[1:]
    three = [*inputs] if isinstance(inputs, Iterable) else []
    fits = len(three) == 3 and all(isinstance(n, numbers.Integral) for n in three)
    require(
        fits and min(three) >= 1,
        "The argument inputs must be (h, w, c) or a layer of gan.conditions, but it is "
        f"{shown(inputs)}.",
        "inputs",
    )
    inputs, masked = (*map(int, three),), bool(masked)
    expect_choice((True, False), masked=masked, smooth=smooth)
    require(
        not masked or inputs == (*targets[:2], channels + 1),
        "Inputs with a mask must have the sides of the targets and one channel more, "
        f"{(*targets[:2], channels + 1)}, but theirs are {inputs}.",
        "inputs",
    )
    # Twice the channels of the first stage are enough, and take half the time.
    widths = [min(n, 2 * width) for n in widths]
    return (
        _generator(inputs, targets, widths, latent_dim, masked, smooth),
        _discriminator(inputs, targets, width // 2 or 1),
        None if latent_dim is None else LatentGenerator(latent_dim),
    )


def _generator(inputs, targets, widths, latent_dim, masked, smooth):
    given = pictures = keras.Input(inputs, name="inputs")
    sides = [(targets[0] >> n, targets[1] >> n) for n in range(len(widths) + 1)]
    # The stage at which the input enters; 0 means at the resolution of the target.
    entry = sides.index(inputs[:2]) if inputs[:2] in sides else 0
    if inputs[:2] not in sides:
        pictures = _resized(pictures, targets)
    x, skips = layers.Rescaling(2.0, -1.0)(pictures), []
    if entry == 0:
        x = layers.Conv2D(widths[0], 4, 2, padding="same")(x)
    else:
        x = layers.Conv2D(widths[entry - 1], 3, padding="same")(x)
    for number in range(max(entry, 1), len(widths) + 1):
        x = block(x, widths[number - 1])
        if number < len(widths):
            skips.append(x)
            x = layers.AveragePooling2D(2)(x)
            x = _to_width(x, widths[number])
    if latent_dim is not None:
        latents = keras.Input((latent_dim,), name="latents")
        given = [latents, given]
        units = x.shape[1] * x.shape[2] * x.shape[3]
        y = layers.Dense(units)(latents)
        x = layers.Add()([x, layers.Reshape(x.shape[1:])(y)])
    x = block(x, widths[-1])
    for width in widths[-2::-1]:
        x = layers.UpSampling2D(interpolation="bilinear")(_to_width(x, width))
        if skips:
            x = layers.Concatenate()([x, skips.pop()])
            x = layers.Conv2D(width, 1)(x)
        x = block(x, width)
    x = layers.LeakyReLU(0.2)(x)
    # Each pixel of a 2×2 square has its own weights, which are initialised with zeros.
    if smooth:
        x = smooth_pixels(x, targets[2], kernel_initializer="zeros")
    else:
        options = {"padding": "same", "kernel_initializer": "zeros"}
        x = layers.Conv2DTranspose(targets[2], 6, 2, **options)(x)
    base = _as_target(_resized(pictures, targets), targets[2])
    if masked:
        mask = _channels(pictures, targets[2], 1)
        # Nothing is added outside the mask: there the output equals the input exactly.
        mask = layers.Concatenate()([mask] * 3) if targets[2] == 3 else mask
        x = layers.Multiply()([x, mask])
    return keras.Model(given, layers.Add()([base, x]), name="generator")


def _discriminator(inputs, targets, width):
    pictures = keras.Input(targets, name="pictures")
    given = keras.Input(inputs, name="inputs")
    x = layers.Concatenate()([pictures, _resized(given, targets)])
    x = layers.Rescaling(4.0, -2.0)(x)
    for factor in (1, 2):
        x = layers.Conv2D(factor * width, 4, 2, padding="same")(x)
        x = layers.LeakyReLU(0.2)(x)
    x = layers.LeakyReLU(0.2)(layers.Conv2D(4 * width, 3, padding="same")(x))
    # The dense layer is linear, so averaging before it equals averaging after it.
    x = layers.Dense(1)(layers.GlobalAveragePooling2D()(x))
    return keras.Model([pictures, given], x, name="discriminator")


def _resized(x, targets):
    """Resize inputs to the sides of the target by bicubic interpolation.

    No trained layer comes before it, so that its missing second derivative is never
    needed.
    """
    if tuple(x.shape[1:3]) == targets[:2]:
        return x
    return layers.Resizing(*targets[:2], interpolation="bicubic")(x)


def _as_target(x, channels):
    """The channels of an input as a first guess at the target."""
    if x.shape[-1] == 1 and channels == 3:
        return layers.Concatenate()([x, x, x])
    if x.shape[-1] == 3 and channels == 1:
        third = keras.initializers.Constant(1 / 3)
        return layers.Conv2D(1, 1, use_bias=False, kernel_initializer=third)(x)
    return _channels(x, 0, channels)


def _channels(x, first, count):
    """A slice of the channels of pictures, made with Keras layers."""
    *sides, channels = x.shape[1:]
    if count == channels:
        return x
    x = layers.Reshape((sides[0] * sides[1], channels, 1))(x)
    x = layers.Cropping2D(((0, 0), (first, channels - first - count)))(x)
    return layers.Reshape((*sides, count))(x)


def _to_width(x, width):
    return x if x.shape[-1] == width else layers.Conv2D(width, 1)(x)
