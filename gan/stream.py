"""The one random stream of a model: every draw takes its seed from here."""

from __future__ import annotations

import contextlib
import contextvars
import functools
from collections.abc import Iterator

import keras
import tensorflow as tf

_feeding = contextvars.ContextVar("what feeds the draws", default=None)


class Stream(keras.random.SeedGenerator):
    """A counter that turns into a fresh seed for each draw.

    The state is two integers: it is saved with the model, so that a resumed
    run draws what the uninterrupted run would have drawn.

    Args:
        seed: int, or None to take it from Python's `random`, which both
            `keras.utils.set_random_seed` and `random.seed` make repeatable.
    """

    def next_seed(self, joint: bool = False) -> tf.Tensor:
        """Seed for one draw.

        Args:
            joint: bool, whether replicas get the same one, to draw a joint batch of
                which each keeps `gan.distribute.share`. Otherwise each has its own.

        Returns:
            Int64 tensor `(2,)` for a `tf.random.stateless_*` op of default algorithm:
            Philox on CPU and GPU, which by name would take 17 operations more a draw.
        """
        seed = self.state.value.assign_add((0, 1))
        seed = tf.convert_to_tensor(seed)
        replica = tf.distribute.get_replica_context()
        if joint or replica is None or replica.num_replicas_in_sync == 1:
            return seed
        # Replicas keep equal states; without their number they would draw alike.
        return tf.random.experimental.stateless_fold_in(
            seed, replica.replica_id_in_sync_group
        )

    @contextlib.contextmanager
    def feeds(self, joint: bool = False) -> Iterator[None]:
        """Within this context the latent samplers draw from this stream.

        Args:
            joint: bool, as of `next_seed`.
        """
        token = _feeding.set(functools.partial(self.next_seed, joint))
        try:
            yield
        finally:
            _feeding.reset(token)

    @contextlib.contextmanager
    def anew(self, seed: int) -> Iterator[None]:
        """Within this context the stream starts from `seed`; then it goes on as before.

        What a callback draws is the same every time and leaves no trace in the run.

        Args:
            seed: int.
        """
        before = self.state.numpy()
        self.state.assign(Stream(seed).state)
        try:
            yield
        finally:
            self.state.assign(before)


def next_seed() -> tf.Tensor:
    """Seed for one draw: from the feeding stream, else from TensorFlow's own state.

    Returns:
        Int64 tensor `(2,)` for a `tf.random.stateless_*` op. Outside a model it
        follows `tf.random.set_seed`.
    """
    feed = _feeding.get()
    if feed is not None:
        return feed()
    return tf.random.uniform((2,), tf.int64.min, tf.int64.max, tf.int64)


def distinct_rows(rows: int, size: int, seed: tf.Tensor) -> tf.Tensor:
    """Uniform draw of row numbers without repetition, at a cost free of `rows`.

    The first `size` distinct values of a uniform sequence are an unbiased
    ordered sample without repetition, so nothing of length `rows` is made.

    Args:
        rows: int, at least `size`.
        size: int, how many to draw.
        seed: int64 tensor `(2,)`.

    Returns:
        Int64 tensor `(size,)` of distinct values in [0, rows).
    """
    if rows < 16 * size:
        # 64 random bits a row: a tie, which alone could bias, has a chance of 1e-13.
        keys = tf.random.stateless_uniform((rows,), seed, None, None, tf.int64)
        return tf.cast(tf.argsort(keys)[:size], tf.int64)
    # Among 16 times as many rows at most one draw in 32 repeats another, so an eighth
    # more is enough but once in 1e16; ensure_shape makes that an error, not a bias.
    count = size + size // 8 + 32
    draws = tf.random.stateless_uniform((count,), seed, 0, rows, tf.int64)
    return tf.ensure_shape(tf.unique(draws).y[:size], (size,))
