"""Fully-connected generator and discriminator (task 0)."""

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
    """Two mirrored dense networks and the sampler that feeds the first.

    Args:
        gen_shape: sequence of at least two positive ints: the latent dimension,
            the hidden sizes, the size of an example.
        real_examples: array `(N, gen_shape[-1])`, whose shape is checked, or None.
        latent_type: "normal", "uniform", "spheric" or "symmetric".
        activation: str, of the hidden layers. The course takes "tanh"; "relu" learns
            shapes with fewer updates.
        bounded: bool, whether the generator ends in a sigmoid and the discriminator in
            a tanh, as the course's. `False` ends both linearly, for data of any range
            and for a critic that goes on seeing what lies far from the real examples:
            at the bounds of a tanh a generator is told nothing.

    Returns:
        Tuple `(generator, discriminator, latent_generator)`. Generator:
        `(batch, gen_shape[0])` -> `(batch, gen_shape[-1])`, if `bounded` in (0, 1).
        Discriminator: `(batch, gen_shape[-1])` -> `(batch, 1)`, if `bounded` in
        (−1, 1).

    Raises:
        InvalidInput: if an argument is not of that form.
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
    # Whatever the policy of mixed precision, networks end in float32.
    last = keras.layers.Dense(shape[-1], activation=last_activation, dtype="float32")
    outputs = last(outputs)
    return keras.Model(inputs, outputs, name=name)
