"""Training on several devices and machines with `tf.distribute`.

Make networks and model within `strategy.scope()`, then train, save and load as usual.
`tf.distribute.MirroredStrategy()` uses all GPUs of a machine. On several machines,
start the same `train.py` on each, with its own `TF_CONFIG`. They share the folder
`run`:

```sh
TF_CONFIG='{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]},
            "task": {"type": "worker", "index": 0}}' python train.py
```

Write the data, here as TFRecord files with one example in each record:

```python
import tensorflow as tf

import gan

real = gan.toys.circle(1000)
for number in range(4):
    with tf.io.TFRecordWriter(f"circle-{number}.tfrecord") as writer:
        for example in real[number::4]:
            writer.write(example.tobytes())
```

This is `train.py`:

```python
import tensorflow as tf

strategy = tf.distribute.MultiWorkerMirroredStrategy()  # before other TensorFlow calls

import gan


def decode(record):
    return tf.ensure_shape(tf.io.decode_raw(record, tf.float32), (2,))


files = tf.data.Dataset.list_files("circle-*.tfrecord", seed=0)
examples = files.interleave(tf.data.TFRecordDataset).map(decode)
with strategy.scope():
    parts = gan.fully_connected_GenDiscr([2, 10, 10, 2], None)
    model = gan.WGAN_GP(*parts, batch_size=50, ema=0.99)
model.fit(
    examples.shuffle(1000, seed=0).batch(50),
    epochs=4,
    steps_per_epoch=20,
    callbacks=[gan.callbacks.Checkpoint("run")],
)
model.save("model.keras")
```

- `batch_size` is the size of the joint batch, a multiple of the number of devices. Each
  device uses its part, drawn from its own seed, and the optimizers add up the
  gradients: an update equals that of one device on the joint batch. Your own losses
  must be means over examples. TensorFlow distributes a Dataset: files to machines,
  examples to devices.
- `BatchNormalization` normalises the part of each device separately, as in Keras; its
  moving statistics are averaged over the devices (in Keras they drift apart). With
  `BatchNormalization(synchronized=True)`, an update again equals that of one device.
  Random layers, such as `Dropout` and `RandomFlip`, draw independently on each device.
- Only the chief, worker 0, writes models and checkpoints and shows the progress bar;
  all workers read them. A model file can be used on one device or many. Other callbacks
  run on every worker; give those that write files only to the worker for which
  `is_chief(strategy)` is true.
- If a worker is killed, the others end with `WorkerLost`. Start the same script again
  on all machines to continue from the last checkpoint.
- `jit_compile` is refused, and so are optimizers that clip gradients (Keras 3.15 clips
  each part before adding them up). GPUs, TPUs and several real machines were not tried.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import tensorflow as tf

from gan.errors import require


class WorkerLost(ConnectionError):
    """Raised if another worker of the run has died or cannot be reached."""


def replicas() -> int:
    """Number of replicas in the running step; 1 outside `strategy.run`."""
    replica = tf.distribute.get_replica_context()
    return 1 if replica is None else replica.num_replicas_in_sync


def own_seed(seed: tf.Tensor) -> tf.Tensor:
    """A seed `(2,)` for this replica, from a seed that all replicas share."""
    if replicas() == 1:
        return seed
    number = tf.distribute.get_replica_context().replica_id_in_sync_group
    return tf.random.experimental.stateless_fold_in(seed, number)


def part(loss: tf.Tensor) -> tf.Tensor:
    """Divide a loss by the number of replicas, because optimizers add up gradients."""
    return loss if replicas() == 1 else loss / replicas()


def average(variables: Iterable[keras.Variable]) -> None:
    """Set variables to their mean over the replicas."""
    context = tf.distribute.get_replica_context()
    for variable in variables if replicas() > 1 else ():
        if tf.as_dtype(variable.dtype).is_floating:
            # all_reduce needs a tensor with a device, which a plain read does not have.
            variable.assign(context.all_reduce("MEAN", tf.identity(variable)))


def expect_shares(strategy: Any, batch_size: int) -> None:
    """Expect a joint batch that can be divided among the replicas of `strategy`."""
    count = strategy.num_replicas_in_sync
    require(
        batch_size % count == 0,
        f"The argument batch_size must be a multiple of {count}, because {count} "
        f"replicas share each batch, but it is {batch_size}.",
        "batch_size",
    )


def expect_parts(strategy: Any, **parts: Any) -> None:
    """Expect named networks and optimizers that train as on one device."""
    inside = strategy.extended.variable_created_in_scope
    for name, part in parts.items():
        require(
            all(inside(variable.value) for variable in part.variables),
            f"The {name} was made under another strategy: make networks, optimizers "
            "and model within one strategy.scope().",
            name,
        )
        # Keras clips gradients before adding up those of the replicas.
        options = ("clipnorm", "clipvalue", "global_clipnorm")
        several = strategy.num_replicas_in_sync > 1
        clips = [one for one in options if several and getattr(part, one, None)]
        require(
            not clips,
            f"The {name} must not clip gradients with several replicas, because Keras "
            f"clips each replica's part: leave out {', '.join(clips)}.",
            name,
        )


@contextlib.contextmanager
def own_seeds(strategy: Any) -> Iterator[None]:
    """In this context Keras's random layers draw independently on each replica.

    Keras has equal seeds on all replicas, so that all would drop the same units and
    flip the same pictures. The seeds stay equal, but each replica draws differently.
    """
    if strategy.num_replicas_in_sync == 1:
        yield
        return
    generator = keras.random.SeedGenerator
    usual = generator.next
    generator.next = lambda *arguments, **options: own_seed(
        usual(*arguments, **options)
    )
    try:
        yield
    finally:
        generator.next = usual


def many_workers(strategy: Any) -> bool:
    """Whether several processes train together with `strategy`."""
    resolver = strategy.cluster_resolver
    return resolver is not None and len(resolver.cluster_spec().as_dict()) > 0


def is_chief(strategy: Any) -> bool:
    """Whether this process writes files; always true without other workers."""
    return strategy.extended.should_checkpoint


@tf.function(autograph=False)
def _sum(strategy, numbers):
    return strategy.reduce("SUM", strategy.run(lambda: tf.identity(numbers)), axis=None)


def agree(strategy: Any, *numbers: int) -> bool:
    """Wait for all workers; return whether all of them gave the same numbers."""
    if not many_workers(strategy):
        return True
    # Means alone would not distinguish 1, 2, 3 from 2, 2, 2, so compare squares too.
    given = tf.constant([*numbers, sum(n * n for n in numbers)], tf.float64)
    workers = strategy.num_replicas_in_sync
    return bool(tf.reduce_all(_sum(strategy, given) == workers * given))


@contextlib.contextmanager
def worker_lost(strategy: Any) -> Iterator[None]:
    """In this context TensorFlow's errors about a dead worker become `WorkerLost`."""
    kinds = ("Aborted", "Cancelled", "DeadlineExceeded", "FailedPrecondition")
    lost = [getattr(tf.errors, f"{kind}Error") for kind in (*kinds, "Unavailable")]
    try:
        yield
    except tuple(lost) as error:
        if not many_workers(strategy):
            raise
        said = f"A worker died: start all workers again. ({error.message})"
        raise WorkerLost(" ".join(said.split())[:400]) from error
