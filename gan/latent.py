"""Latent samplers: where every fake begins."""

from __future__ import annotations

from typing import Self

import keras
import tensorflow as tf

from gan._validation import expect, expect_positive_int
from gan.stream import next_seed


def normal_generator(nb_points: int, dim: int) -> tf.Tensor:
    """Standard normal vectors.

    Args:
        nb_points: int, how many.
        dim: int, dimension of each.

    Returns:
        Float32 tensor `(nb_points, dim)`, N(0, 1). A model that calls this draws
        from its own stream; elsewhere `tf.random.set_seed` makes it repeatable.
    """
    expect_positive_int(nb_points=nb_points, dim=dim)
    return tf.random.stateless_normal((nb_points, dim), next_seed())


def uniform_generator(nb_points: int, dim: int) -> tf.Tensor:
    """Vectors uniform in the unit cube.

    Args:
        nb_points: int, how many.
        dim: int, dimension of each.

    Returns:
        Float32 tensor `(nb_points, dim)` in [0, 1), drawn as in
        `normal_generator`.
    """
    expect_positive_int(nb_points=nb_points, dim=dim)
    return tf.random.stateless_uniform((nb_points, dim), next_seed())


def symmetric_generator(nb_points: int, dim: int) -> tf.Tensor:
    """Vectors uniform in the cube of side 2 around 0.

    Args:
        nb_points: int, how many.
        dim: int, dimension of each.

    Returns:
        Float32 tensor `(nb_points, dim)` in [−1, 1), drawn as in
        `normal_generator`.
    """
    return 2.0 * uniform_generator(nb_points, dim) - 1.0


def spheric_generator(nb_points: int, dim: int) -> tf.Tensor:
    """Vectors uniform on the unit sphere.

    Args:
        nb_points: int, how many.
        dim: int, dimension of each.

    Returns:
        Float32 tensor `(nb_points, dim)`, drawn as in `normal_generator`.

    Formula:
        z / √(Σ z² + 1e-8), z ~ N(0, 1)
    """
    points = normal_generator(nb_points, dim)
    return points / tf.sqrt(tf.reduce_sum(points**2, axis=1, keepdims=True) + 1e-8)


_GENERATORS = {
    "normal": normal_generator,
    "uniform": uniform_generator,
    "symmetric": symmetric_generator,
    "spheric": spheric_generator,
}


@keras.saving.register_keras_serializable(package="gan")
class LatentGenerator:
    """A latent sampler that can be saved: `latent_generator(k)` -> `(k, dim)`.

    Args:
        dim: int, latent dimension.
        latent_type: "normal" N(0, 1), "uniform" U[0, 1), "symmetric" U[−1, 1) or
            "spheric".

    Raises:
        InvalidInput: for an unknown type or a dimension below 1.
    """

    def __init__(self, dim: int, latent_type: str = "normal") -> None:
        expect_positive_int(dim=dim)
        known = isinstance(latent_type, str) and latent_type in _GENERATORS
        choices = ", ".join(map(repr, _GENERATORS))
        expect(known, f"latent_type to be one of {choices}", latent_type=latent_type)
        self.dim = int(dim)
        self.latent_type = latent_type

    def __call__(self, nb_points: int) -> tf.Tensor:
        """Draw `nb_points` vectors: float32 tensor `(nb_points, dim)`."""
        return _GENERATORS[self.latent_type](nb_points, self.dim)

    def get_config(self) -> dict[str, object]:
        """Arguments that make an equal sampler."""
        return {"dim": self.dim, "latent_type": self.latent_type}

    @classmethod
    def from_config(cls, config: dict[str, object]) -> Self:
        """Make a sampler from `get_config()`."""
        return cls(**config)
