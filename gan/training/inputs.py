"""Finds out what networks take: latents or examples, and a condition."""

from __future__ import annotations

import keras


def takes_condition(network: keras.Model) -> bool:
    """Whether a network has a second input, the condition."""
    shape = network.input_shape
    return isinstance(shape, (list, tuple)) and isinstance(shape[0], (list, tuple))


def condition_shape(network: keras.Model) -> tuple[int, ...] | None:
    """Shape of the condition that a network takes.

    Args:
        network: `keras.Model`.

    Returns:
        `None` for no condition, `()` for a class label, `(d,)` for a vector and `(h, w,
        c)` for a picture. A single number is a label if its dtype is an integer or the
        network has an `Embedding`; otherwise it is a vector of length 1.
    """
    if not takes_condition(network):
        return None
    taken = network.inputs[1]
    shape = tuple(taken.shape[1:])
    label = "int" in taken.dtype or count_embedded(network) is not None
    return () if label and shape in ((), (1,)) else shape


def picture_condition(discriminator: keras.Model) -> tuple[int, ...] | None:
    """Shape `(h, w, c)` of the pictures that are a discriminator's second input.

    It is `None` if there is no such input.
    """
    shape = condition_shape(discriminator)
    alone = len(discriminator.inputs) == 2
    return shape if alone and shape and len(shape) == 3 else None


def takes_latents(generator: keras.Model, discriminator: keras.Model) -> bool:
    """Whether a generator takes latents, not only a condition."""
    return picture_condition(discriminator) is None or takes_condition(generator)


def count_classes(network: keras.Model) -> int | None:
    """Number of classes of a network, or `None` if it takes no labels."""
    return count_embedded(network) if condition_shape(network) == () else None


def count_embedded(network: keras.Model) -> int | None:
    """Number of classes of a network's first `Embedding`, or `None`."""
    kinds = [x for x in network.layers if isinstance(x, keras.layers.Embedding)]
    return kinds[0].input_dim if kinds else None


def latent_shape(generator: keras.Model) -> tuple[int, ...]:
    """Shape of one latent, the generator's first input."""
    shape = generator.input_shape
    return (shape[0] if isinstance(shape[0], (list, tuple)) else shape)[1:]
