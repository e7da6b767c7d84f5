"""A residual generator without checkerboard patterns, and a quick discriminator."""

from __future__ import annotations

import keras
from keras import layers

from gan.latent import LatentGenerator
from gan.networks.residual import end_discriminator, make_generator, stages


def strided_GenDiscr(
    shape: tuple[int, int, int],
    latent_dim: int = 64,
    width: int = 16,
    classes: int | None = None,
    bounded: bool = False,
    condition: int | None = None,
    sharp: bool = False,
    reader: keras.Model | None = None,
) -> tuple[keras.Model, keras.Model, LatentGenerator]:
    """Builds a quick pair of networks for colour pictures, and a latent sampler.

    The discriminator is that of DCGAN without normalisation: 4×4 convolutions with
    stride 2, and a dense layer of 256 units. For 32×32 pixels, a pass through it takes
    two fifths of the time of the discriminator of `residual_GenDiscr`. For grey digits,
    prefer `residual_GenDiscr`: its generator draws them better. Convolutions with
    stride 2 push a generator towards checkerboard patterns. Therefore this generator
    ends in means over 2×2 pixels, in which a checkerboard vanishes. Train the networks
    as `gan.R3GAN` with `penalty_every=8` and `pixel_range=(0, 1)`.

    Args:
        shape: tuple `(h, w, c)`, shape of a picture. The sides must be multiples of 4,
            at least 8; c must be 1 or 3.
        latent_dim: int, dimension of the latents, N(0, 1).
        width: int, number of channels at the highest resolution, in both networks.
        classes: int, number of classes. The generator then takes `[latents, labels]`,
            the discriminator `[pictures, labels]`. `None` for networks without labels.
        bounded: bool, whether the generator ends in a sigmoid. `False` makes the last
            layer linear; values outside [0, 1] are clipped when pictures are drawn.
        condition: int, length of the condition vectors that both networks then take
            instead of labels. `None` for networks without condition vectors.
        sharp: bool, whether the generator ends like that of `residual_GenDiscr`: in a
            transposed convolution, if the pictures have colours. It suits pictures in
            which single pixels matter, such as pixel art, but may leave checkerboard
            patterns in others.
        reader: as in `residual_GenDiscr`.

    Returns:
        Tuple `(generator, discriminator, latent_generator)`, as `residual_GenDiscr`
        returns it.

    Raises:
        InvalidInput: if an argument is invalid.

    Reference:
        Radford et al. 2016, Unsupervised Representation Learning with Deep
        Convolutional Generative Adversarial Networks, section 3; Odena et al. 2016,
        Deconvolution and Checkerboard Artifacts; Miyato and Koyama 2018, cGANs with
        Projection Discriminator, equation 4.
    """
    lowest, channels, widths = stages(
        shape, latent_dim, width, classes, condition, reader
    )
    given = (classes, condition)
    trunk = (lowest, channels, widths, latent_dim, given, bounded)
    return (
        make_generator(*trunk, smooth=not sharp),
        _discriminator((*map(int, shape),), widths, given, reader),
        LatentGenerator(latent_dim),
    )


def _discriminator(shape, widths, given, reader):
    pictures = keras.Input(shape, name="pictures")
    x = strided_trunk(pictures, widths)
    return end_discriminator(pictures, x, 256, given, reader)


def strided_trunk(pictures: keras.KerasTensor, widths: list[int]) -> keras.KerasTensor:
    """The convolutions of the discriminator, one for each number in `widths`."""
    x = layers.Rescaling(4.0, -2.0)(pictures)
    for width in widths:
        x = layers.LeakyReLU(0.2)(layers.Conv2D(width, 4, 2, padding="same")(x))
    return x
