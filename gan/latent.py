"""Latent samplers, and the random stream from which they take their seeds."""

from __future__ import annotations

import contextlib
import contextvars
import random
from collections.abc import Callable, Iterator
from typing import Any, Self

import keras
import tensorflow as tf

from gan import distribute
from gan.errors import expect_choice, expect_positive_int, expect_seed


def normal_generator(nb_points: int, dim: int) -> tf.Tensor:
    """Draws standard normal vectors.

    Args:
        nb_points: int, number of vectors.
        dim: int, dimension of each vector.

    Returns:
        Float32 tensor `(nb_points, dim)`, N(0, 1). Inside a model, the seed comes from
        the model's own stream; elsewhere `tf.random.set_seed` makes the draw
        repeatable.
    """
    expect_positive_int(nb_points=nb_points, dim=dim)
    return tf.random.stateless_normal((nb_points, dim), next_seed())


def uniform_generator(nb_points: int, dim: int) -> tf.Tensor:
    """Draws vectors uniformly from the unit cube.

    Args:
        nb_points: int, number of vectors.
        dim: int, dimension of each vector.

    Returns:
        Float32 tensor `(nb_points, dim)` in [0, 1), seeded as in `normal_generator`.
    """
    expect_positive_int(nb_points=nb_points, dim=dim)
    return tf.random.stateless_uniform((nb_points, dim), next_seed())


def symmetric_generator(nb_points: int, dim: int) -> tf.Tensor:
    """Draws vectors uniformly from the cube of side 2 around 0.

    Args:
        nb_points: int, number of vectors.
        dim: int, dimension of each vector.

    Returns:
        Float32 tensor `(nb_points, dim)` in [−1, 1), seeded as in `normal_generator`.
    """
    return 2.0 * uniform_generator(nb_points, dim) - 1.0


def spheric_generator(nb_points: int, dim: int) -> tf.Tensor:
    """Draws vectors uniformly from the unit sphere.

    Args:
        nb_points: int, number of vectors.
        dim: int, dimension of each vector.

    Returns:
        Float32 tensor `(nb_points, dim)` in [−1, 1], seeded as in `normal_generator`.

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
        InvalidInput: if the type is unknown or the dimension is below 1.
    """

    def __init__(self, dim: int, latent_type: str = "normal") -> None:
        expect_positive_int(dim=dim)
        expect_choice(_GENERATORS, latent_type=latent_type)
        self.dim = int(dim)
        self.latent_type = latent_type

    def __repr__(self) -> str:
        return f"LatentGenerator({self.dim}, {self.latent_type!r})"

    def __call__(self, nb_points: int) -> tf.Tensor:
        """Draw `nb_points` vectors, a float32 tensor `(nb_points, dim)`."""
        return _GENERATORS[self.latent_type](nb_points, self.dim)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments of an equal sampler."""
        return {"dim": self.dim, "latent_type": self.latent_type}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make a sampler from `get_config()`."""
        return cls(**config)


def of_dimension(sampler: Any, dim: int) -> Any:
    """Wrap a sampler of this module in a `LatentGenerator`; return others as given."""
    for latent_type, function in _GENERATORS.items():
        if sampler is function:
            return LatentGenerator(dim, latent_type)
    return sampler


_feeding: contextvars.ContextVar[Callable[[], tf.Tensor] | None]
_feeding = contextvars.ContextVar("what feeds the draws", default=None)


@contextlib.contextmanager
def drawn_from(feed: Callable[[], tf.Tensor]) -> Iterator[None]:
    """In this context the latent samplers take their seeds from `feed`.

    Args:
        feed: callable that returns a new seed, an int64 tensor `(2,)`, at each call.
    """
    token = _feeding.set(feed)
    try:
        yield
    finally:
        _feeding.reset(token)


class Stream(keras.random.SeedGenerator):
    """A counter that gives a fresh seed for each draw.

    The state consists of two integers. It is saved with the model, so that a resumed
    run draws what the uninterrupted run would have drawn.

    Args:
        seed: int, or `None` to draw it from Python's `random`, which both
            `keras.utils.set_random_seed` and `random.seed` make repeatable.
    """

    def __init__(self, seed: int | None = None) -> None:
        if seed is not None:
            expect_seed(seed=seed)
        super().__init__(seed)

    def next_seed(self) -> tf.Tensor:
        """The seed of one draw.

        Returns:
            Int64 tensor `(2,)` for a `tf.random.stateless_*` op with the default
            algorithm. That is Philox on CPU and GPU; asking for Philox by name would
            take 17 more operations for each draw.
        """
        seed = tf.convert_to_tensor(self.state.value.assign_add((0, 1)))
        return distribute.own_seed(seed)

    def sampling(self) -> contextlib.AbstractContextManager[None]:
        """In this context the latent samplers take their seeds from this stream."""
        return drawn_from(self.next_seed)

    @contextlib.contextmanager
    def restarted(self, seed: int) -> Iterator[None]:
        """In this context the stream starts from `seed`; later it continues as before.

        A callback can thus draw the same sample every time without changing the run.

        Args:
            seed: int, at least 0.
        """
        before = self.state.numpy()
        # This equals a new Stream(seed), but Keras would keep 35 KB of each new one.
        expect_seed(seed=seed)
        self.state.assign((seed, 0))
        try:
            yield
        finally:
            self.state.assign(before)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """In this context Keras initialises weights and draws seeds repeatably.

    Keras draws every seed that it is not given from Python's `random`, whose state is
    restored afterwards. The random states of NumPy and TensorFlow are not touched,
    because TensorFlow's could not be restored.

    Args:
        seed: int, the seed of Python's `random`.
    """
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


def next_seed() -> tf.Tensor:
    """The seed of one draw, from the current stream or else TensorFlow's own state.

    Returns:
        Int64 tensor `(2,)` for a `tf.random.stateless_*` op. Outside a model,
        `tf.random.set_seed` makes it repeatable.
    """
    feed = _feeding.get()
    if feed is not None:
        return feed()
    return tf.random.uniform((2,), tf.int64.min, tf.int64.max, tf.int64)


def distinct_numbers(count: int, size: int, seed: tf.Tensor) -> tf.Tensor:
    """Draws integers uniformly without repetition.

    If `count` is at least 16 · `size`, the cost does not depend on `count`: the first
    `size` distinct values of a uniform sequence are an unbiased ordered sample without
    repetition. If `count` is smaller, all the integers are shuffled.

    Args:
        count: int, how many integers there are to draw from, at least `size`.
        size: int, how many to draw.
        seed: int64 tensor `(2,)`, any values.

    Returns:
        Int64 tensor `(size,)` of distinct values in [0, count).
    """
    if count < 16 * size:
        # Keys have 64 random bits. Only equal keys could bias; their chance is 1e-13.
        keys = tf.random.stateless_uniform((count,), seed, None, None, tf.int64)
        return tf.cast(tf.argsort(keys)[:size], tf.int64)
    # With count ≥ 16 · size, at most one draw in 32 repeats another. Drawing an eighth
    # more is enough except once in 1e16; then ensure_shape raises an error.
    drawn = size + size // 8 + 32
    draws = tf.random.stateless_uniform((drawn,), seed, 0, count, tf.int64)
    return tf.ensure_shape(tf.unique(draws).y[:size], (size,))
