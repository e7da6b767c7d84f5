"""Fully-connected generator and discriminator (task 0 of the course "GANs")."""

from __future__ import annotations

import numbers
from collections.abc import Sequence

import keras
import numpy as np
import numpy.typing as npt

from gan.errors import require, shown
from gan.latent import LatentGenerator


def fully_connected_GenDiscr(
    gen_shape: Sequence[int],
    real_examples: npt.ArrayLike,
    latent_type: str = "normal",
    activation: str = "tanh",
    bounded: bool = True,
) -> tuple[keras.Model, keras.Model, LatentGenerator]:
    """Builds a dense generator, a dense discriminator and a latent sampler.

    Args:
        gen_shape: sequence of at least two positive ints: the latent dimension, the
            sizes of the hidden layers, the size of an example. The discriminator has
            the same hidden layers in reverse order.
        real_examples: array `(N, gen_shape[-1])` of any dtype and range, or `None`.
            Only its shape is checked; its values are not used.
        latent_type: "normal", "uniform", "spheric" or "symmetric", as in
            `gan.latent.LatentGenerator`.
        activation: str, activation of the hidden layers. The course uses "tanh"; with
            "relu", the networks learn shapes in fewer updates.
        bounded: bool, whether the generator ends in a sigmoid and the discriminator in
            a tanh, as in the course. `False` makes both last layers linear, which data
            outside (0, 1) need. It also avoids a saturated tanh, which gives the
            generator no gradient for fakes far from the real examples.

    Returns:
        Tuple `(generator, discriminator, latent_generator)`. Generator: float32
        `(batch, gen_shape[0])` -> float32 `(batch, gen_shape[-1])`, in (0, 1) if
        `bounded`. Discriminator: float32 `(batch, gen_shape[-1])` -> float32 `(batch,
        1)`, in (−1, 1) if `bounded`.

    Raises:
        InvalidInput: if an argument is invalid.
    """
    shape = list(gen_shape) if np.ndim(gen_shape) == 1 else []
    whole = all(isinstance(n, numbers.Integral) and n >= 1 for n in shape)
    require(
        len(shape) >= 2 and whole,
        "The argument gen_shape must hold at least two positive integers, but it is "
        f"{shown(gen_shape)}.",
        "gen_shape",
    )
    shape = [int(size) for size in shape]
    if real_examples is not None:
        row = tuple(getattr(real_examples, "shape", np.shape(real_examples)))[1:]
        said = f"The argument real_examples must have the shape (N, {shape[-1]}), by "
        said += f"the last size of gen_shape, but it has {('N', *row)}."
        require(row == (shape[-1],), said, "real_examples")
    latent_generator = LatentGenerator(shape[0], latent_type)
    ends = ("sigmoid", "tanh") if bounded else (None, None)
    generator = _dense("generator", shape, activation, ends[0])
    shape = [*reversed(shape[1:]), 1]
    discriminator = _dense("discriminator", shape, activation, ends[1])
    return generator, discriminator, latent_generator


def _dense(name, shape, activation, last_activation):
    inputs = outputs = keras.Input((shape[0],))
    for size in shape[1:-1]:
        outputs = keras.layers.Dense(size, activation=activation)(outputs)
    # The last layer is float32 under every mixed-precision policy.
    last = keras.layers.Dense(shape[-1], activation=last_activation, dtype="float32")
    outputs = last(outputs)
    return keras.Model(inputs, outputs, name=name)
