"""The joint networks of CycleGAN: two generators and two discriminators."""

from __future__ import annotations

import keras

from gan.errors import expect_positive_int
from gan.networks.residual import end_discriminator, stages
from gan.networks.strided import strided_trunk
from gan.networks.unet import unet_GenDiscr


def cycle_GenDiscr(
    a: tuple[int, int, int],
    b: tuple[int, int, int],
    width: int = 32,
) -> tuple[keras.Model, keras.Model, None]:
    """Builds the joint networks of `gan.CycleGAN`.

    The generators are the U-Nets of `gan.unet_GenDiscr(smooth=True)`, which are the
    identity before training. The discriminators are those of `gan.strided_GenDiscr`.

    Args:
        a: tuple `(h, w, c)`, shape of a picture of A. The sides must be multiples of 4,
            at least 8; c must be 1 or 3.
        b: tuple `(h, w, c)`, shape of a picture of B.
        width: int, number of channels of the generators at the highest resolution. The
            discriminators have half as many.

    Returns:
        Tuple `(generator, discriminator, None)`. Generator: `[a, b]` -> `[G(a), F(b)]`,
        float32 pictures `(batch, h, w, c)` about in [0, 1]. Discriminator: `[b, a]` ->
        `[D_B(b), D_A(a)]`, logits `(batch, 1)`. The third is `None`, because
        the generators take no latents. Train the networks with `pixel_range=(0, 1)`.

    Raises:
        InvalidInput: if an argument is invalid.
    """
    expect_positive_int(width=width)
    shapes = [(*map(int, shape),) for shape in (a, b)] if _are_shapes(a, b) else [a, b]
    makers, judges = [], []
    for name, shape in zip(("a", "b"), shapes, strict=True):
        _, _, widths = stages(shape, 1, max(width // 2, 1), None)
        pictures = keras.Input(shape, name=name)
        x = strided_trunk(pictures, widths)
        judge = end_discriminator(pictures, x, 256, (None, None))
        judge.name = f"judge_{name}"
        judges.append(judge)
    for name, given, made in (("a_to_b", *shapes), ("b_to_a", *shapes[::-1])):
        maker, _, _ = unet_GenDiscr(given, made, width, smooth=True)
        maker.name = name
        makers.append(maker)
    return (
        joined("generator", makers),
        joined("discriminator", judges[::-1]),
        None,
    )


def joined(name: str, networks: list[keras.Model]) -> keras.Model:
    """Joins networks into one that maps a list of inputs to a list of outputs.

    Args:
        name: str, name of the joint network.
        networks: list of `keras.Model`, each with one input and one output.

    Returns:
        `keras.Model`, the joint network.
    """
    inputs = [keras.Input(network.input_shape[1:]) for network in networks]
    pairs = zip(networks, inputs, strict=True)
    return keras.Model(inputs, [network(one) for network, one in pairs], name=name)


def _are_shapes(*shapes):
    return all(isinstance(shape, (list, tuple)) for shape in shapes)
