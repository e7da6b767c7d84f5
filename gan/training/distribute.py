"""Several devices and machines: one joint step, shared out over the replicas.

Under a `tf.distribute` strategy all replicas draw the same joint batch from the model's
stream and each keeps its share, so that the run is that of one device up to rounding.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator

import keras
import numpy as np
import tensorflow as tf

from gan.errors import expect

# What TensorFlow 2.21 raises where another worker has died, hangs or was restarted.
_LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.UnavailableError,
)


class WorkerLost(ConnectionError):
    """Another worker of the run died or can no longer be reached."""


def replicas() -> int:
    """Replicas that take part in the running step: 1 outside `strategy.run`."""
    replica = tf.distribute.get_replica_context()
    return 1 if replica is None else replica.num_replicas_in_sync


def share(rows: tf.Tensor) -> tf.Tensor:
    """This replica's part of a joint batch; all of it where there is one replica.

    Args:
        rows: tensor `(batch, …)`, the same on every replica.

    Returns:
        Tensor `(batch / replicas, …)`.
    """
    count = replicas()
    if count == 1:
        return rows
    expect(
        (rows.shape[0] or 0) % count == 0,
        f"as many rows for each of {count} replicas",
        rows=rows.shape[0],
    )
    number = tf.distribute.get_replica_context().replica_id_in_sync_group
    return tf.reshape(rows, (count, -1, *rows.shape[1:]))[number]


def part(loss: tf.Tensor) -> tf.Tensor:
    """This replica's part of a loss that is a mean over rows: optimizers add them."""
    count = replicas()
    return loss if count == 1 else loss / count


def average(variables: list[keras.Variable]) -> None:
    """Give every replica the mean of what the replicas hold.

    Args:
        variables: list of Keras variables; those that hold no floats are left out.
    """
    variables = [v for v in variables if tf.as_dtype(v.dtype).is_floating]
    if replicas() == 1 or not variables:
        return
    # A plain read has no device, which all_reduce needs.
    values = [tf.identity(variable) for variable in variables]
    means = tf.distribute.get_replica_context().all_reduce("MEAN", values)
    for variable, mean in zip(variables, means, strict=True):
        variable.assign(mean)


def expect_distributable(
    batch_size: int,
    networks: Iterable[keras.Model],
    optimizers: Iterable[keras.optimizers.Optimizer | None],
) -> None:
    """Expect a model that trains under the current strategy as on one device.

    Args:
        batch_size: int, rows of the joint batch.
        networks: list of built `keras.Model`.
        optimizers: list of `keras.optimizers.Optimizer` or None.

    Raises:
        InvalidInput: for another kind of strategy than one device, `MirroredStrategy`
            or `MultiWorkerMirroredStrategy`; a batch that cannot be shared out;
            variables made outside `strategy.scope()`; or an optimizer that clips
            gradients, which Keras does before it adds the replicas' parts.
    """
    strategy = tf.distribute.get_strategy()
    known = (tf.distribute.MirroredStrategy, tf.distribute.MultiWorkerMirroredStrategy)
    known += (tf.distribute.OneDeviceStrategy,)
    name = type(strategy).__name__
    expect(
        isinstance(strategy, known) or not tf.distribute.has_strategy(),
        "a MirroredStrategy or a MultiWorkerMirroredStrategy",
        strategy=name,
    )
    optimizers = [optimizer for optimizer in optimizers if optimizer is not None]
    made = [v for part in [*networks, *optimizers] for v in part.variables]
    inside = strategy.extended.variable_created_in_scope
    expect(
        all(inside(variable.value) for variable in made),
        "networks, optimizers and model made within the scope() of one strategy",
        strategy=name,
    )
    count = strategy.num_replicas_in_sync
    if count == 1:
        return
    expect(
        batch_size % count == 0,
        f"batch_size, the joint batch, to be a multiple of the {count} replicas",
        batch_size=batch_size,
    )
    for optimizer in optimizers:
        for option in ("clipnorm", "clipvalue", "global_clipnorm"):
            value = getattr(optimizer, option, None)
            expected = f"no {option} with several replicas"
            expect(value is None, expected, **{option: value})


def many_workers(strategy: tf.distribute.Strategy) -> bool:
    """Whether processes of several machines train together under `strategy`."""
    kind = tf.distribute.MultiWorkerMirroredStrategy
    resolver = isinstance(strategy, kind) and strategy.cluster_resolver
    return bool(resolver) and len(resolver.cluster_spec().as_dict()) > 0


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes files under `strategy`: always, where it is alone."""
    if not many_workers(strategy):
        return True
    resolver = strategy.cluster_resolver
    first = "chief" if "chief" in resolver.cluster_spec().jobs else "worker"
    return (resolver.task_type, resolver.task_id) == (first, 0)


def gathered(strategy: tf.distribute.Strategy, *numbers: float) -> np.ndarray:
    """What every worker gives, in the order of workers; it waits for them all.

    Args:
        strategy: `tf.distribute.Strategy`.
        *numbers: floats of this worker, at least one: TensorFlow 2.21 crashes where
            there is nothing to gather.

    Returns:
        Float64 array `(replicas, len(numbers))`, `(1, len(numbers))` without
        other workers.
    """
    row = np.array([numbers], np.float64)
    if not many_workers(strategy):
        return row
    return _gather(strategy, tf.constant(row)).numpy()


# In a graph, for TensorFlow warns of the cost of doing it eagerly.
@tf.function(autograph=False)
def _gather(strategy, row):
    return strategy.gather(strategy.run(lambda: tf.identity(row)), axis=0)


@contextlib.contextmanager
def worker_lost(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Turn TensorFlow's errors after a worker of `strategy` died into `WorkerLost`."""
    try:
        yield
    except _LOST as error:
        if not many_workers(strategy):
            raise
        who = re.search(r"/task:\d+", str(error))
        reason = " ".join(str(error.message).split())
        reason = reason[reason.find("Collective ops") :][:300]
        raise WorkerLost(
            "Expected an answer of every worker. Received: "
            f"lost={who[0] if who else 'a worker'!r}. Start all of them again: with "
            f"callbacks.Checkpoint the run goes on from its last one. ({reason})"
        ) from error
