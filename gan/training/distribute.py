"""Several devices and machines, which are TensorFlow's business (`tf.distribute`).

Make networks and model within `strategy.scope()`, then train, save and load as always.
Each replica plays with its part of the batch, drawn from a seed of its own, and the
optimizers add the replicas' gradients up: an update is that of one device on the joint
batch. Tried: `MirroredStrategy` and `MultiWorkerMirroredStrategy`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import keras
import tensorflow as tf

from gan.errors import expect


class WorkerLost(ConnectionError):
    """Another worker of the run died or can no longer be reached."""


def replicas() -> int:
    """Replicas that take part in the running step: 1 outside `strategy.run`."""
    replica = tf.distribute.get_replica_context()
    return 1 if replica is None else replica.num_replicas_in_sync


def own_seed(seed: tf.Tensor) -> tf.Tensor:
    """Seed `(2,)` of this replica's own draw, from one that all replicas share."""
    if replicas() == 1:
        return seed
    number = tf.distribute.get_replica_context().replica_id_in_sync_group
    return tf.random.experimental.stateless_fold_in(seed, number)


def part(loss: tf.Tensor) -> tf.Tensor:
    """This replica's part of a mean over its examples: optimizers add the parts up."""
    return loss if replicas() == 1 else loss / replicas()


def average(variables: Iterable[keras.Variable]) -> None:
    """Give every replica the mean of the numbers that the replicas hold."""
    floats = [v for v in variables if tf.as_dtype(v.dtype).is_floating]
    if replicas() == 1 or not floats:
        return
    # A plain read has no device, which all_reduce needs.
    values = [tf.identity(variable) for variable in floats]
    means = tf.distribute.get_replica_context().all_reduce("MEAN", values)
    for variable, mean in zip(floats, means, strict=True):
        variable.assign(mean)


def expect_distributable(
    batch_size: int, optimizers: Iterable[object], variables: Iterable[keras.Variable]
) -> None:
    """Expect what the current strategy can train as one device would."""
    strategy = tf.distribute.get_strategy()
    received = {"strategy": type(strategy).__name__}
    inside = strategy.extended.variable_created_in_scope
    expected = "networks, optimizers and model made within the scope() of one strategy"
    expect(all(inside(v.value) for v in variables), expected, **received)
    count = strategy.num_replicas_in_sync
    expected = f"batch_size, the joint batch, to be a multiple of the {count} replicas"
    expect(batch_size % count == 0, expected, batch_size=batch_size)
    for option in ("clipnorm", "clipvalue", "global_clipnorm"):
        # Keras clips before it adds the replicas' gradients up.
        clips = count > 1 and any(getattr(o, option, None) for o in optimizers)
        expect(not clips, f"no {option} with several replicas", **received)


def many_workers(strategy: tf.distribute.Strategy) -> bool:
    """Whether processes of several machines train together under `strategy`."""
    resolver = strategy.cluster_resolver
    return resolver is not None and len(resolver.cluster_spec().as_dict()) > 0


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes files under `strategy`: always, where it is alone."""
    if not many_workers(strategy):
        return True
    task = strategy.cluster_resolver
    first = "chief" if "chief" in task.cluster_spec().jobs else "worker"
    return (task.task_type, task.task_id) == (first, 0)


@tf.function(autograph=False)
def _sum(strategy, numbers):
    return strategy.reduce("SUM", strategy.run(lambda: tf.identity(numbers)), axis=None)


def agree(strategy: tf.distribute.Strategy, *numbers: int) -> bool:
    """Wait for all workers; say whether they all gave these numbers."""
    if not many_workers(strategy):
        return True
    # Equal means alone could hide a 1 and a 3 from the worker that gave 2.
    given = tf.constant([*numbers, sum(n * n for n in numbers)], tf.float64)
    total = _sum(strategy, given)
    return bool(tf.reduce_all(total == strategy.num_replicas_in_sync * given))


@contextlib.contextmanager
def worker_lost(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Turn TensorFlow's errors after a worker of `strategy` died into `WorkerLost`."""
    lost = (tf.errors.AbortedError, tf.errors.CancelledError)
    lost += (tf.errors.DeadlineExceededError, tf.errors.FailedPreconditionError)
    try:
        yield
    except (*lost, tf.errors.UnavailableError) as error:
        if not many_workers(strategy):
            raise
        raise WorkerLost(
            "A worker of this run died or cannot be reached. Start all of them again: "
            "with callbacks.Checkpoint the run goes on from its last checkpoint. "
            f"({' '.join(str(error.message).split())[:300]})"
        ) from error
