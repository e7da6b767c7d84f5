"""Several devices and machines, which are TensorFlow's business (`tf.distribute`).

Make networks and model within `strategy.scope()`, then train, save and load as always.
`tf.distribute.MirroredStrategy()` takes all GPUs of a machine. On several machines the
same `train.py` is started on each, told who is who; they share the folder `run`:

```sh
TF_CONFIG='{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]},
            "task": {"type": "worker", "index": 0}}' python train.py
```

Data, here as TFRecord files of one example a record:

```python
import tensorflow as tf

import gan

real = gan.toys.circle(1000)
for number in range(4):
    with tf.io.TFRecordWriter(f"circle-{number}.tfrecord") as writer:
        for example in real[number::4]:
            writer.write(example.tobytes())
```

And `train.py`:

```python
import tensorflow as tf

strategy = tf.distribute.MultiWorkerMirroredStrategy()  # before any other TensorFlow

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

- `batch_size` is the joint batch, a multiple of the number of devices. Each plays with
  its part, drawn from a seed of its own, and the optimizers add the gradients up: an
  update is that of one device on the joint batch. Losses of your own must be means over
  examples. TensorFlow shares a Dataset out: files to machines, examples to devices.
- Each device normalises its own part, as `BatchNormalization` does in Keras; the moving
  statistics become the mean of the devices' (Keras lets them drift apart unseen). With
  `BatchNormalization(synchronized=True)` an update is that of one device again. Random
  layers, such as `Dropout` and `RandomFlip`, draw anew on each device.
- Only the chief, worker 0, writes models and checkpoints and shows the progress bar;
  all read them. A model file fits one device and many. Other callbacks run on every
  worker: give those that write files to the one where `is_chief(strategy)` holds.
- A worker that is killed ends the others with `WorkerLost`. The same script started
  again everywhere goes on from the last checkpoint.
- Refused: `jit_compile`, and optimizers that clip gradients (Keras 3.15 clips each part
  before it adds them up). GPUs, TPUs and several real machines were not tried.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import tensorflow as tf

from gan.errors import require


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
    context = tf.distribute.get_replica_context()
    for variable in variables if replicas() > 1 else ():
        if tf.as_dtype(variable.dtype).is_floating:
            # A plain read has no device, which all_reduce needs.
            variable.assign(context.all_reduce("MEAN", tf.identity(variable)))


def expect_shares(strategy: Any, batch_size: int) -> None:
    """Expect a joint batch that the replicas of `strategy` can share."""
    count = strategy.num_replicas_in_sync
    require(
        batch_size % count == 0,
        f"The argument batch_size must be a multiple of {count}, because {count} "
        f"replicas share each batch, but it is {batch_size}.",
        "batch_size",
    )


def expect_parts(strategy: Any, **parts: Any) -> None:
    """Expect named networks and optimizers that `strategy` trains as one device."""
    inside = strategy.extended.variable_created_in_scope
    for name, part in parts.items():
        require(
            all(inside(variable.value) for variable in part.variables),
            f"The {name} was made under another strategy: make networks, optimizers "
            "and model within one strategy.scope().",
            name,
        )
        # Keras clips before it adds the replicas' gradients up.
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
    """Within this context Keras's random layers draw anew on each replica.

    Keras keeps the same seeds on all replicas, so that all would drop the same units
    and flip the same pictures. The seeds stay equal; what is drawn of them differs.
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
    """Whether processes of several machines train together under `strategy`."""
    resolver = strategy.cluster_resolver
    return resolver is not None and len(resolver.cluster_spec().as_dict()) > 0


def is_chief(strategy: Any) -> bool:
    """Whether this process writes files under `strategy`: always, where it is alone."""
    return strategy.extended.should_checkpoint


@tf.function(autograph=False)
def _sum(strategy, numbers):
    return strategy.reduce("SUM", strategy.run(lambda: tf.identity(numbers)), axis=None)


def agree(strategy: Any, *numbers: int) -> bool:
    """Wait for all workers; say whether they all gave these numbers."""
    if not many_workers(strategy):
        return True
    # Equal means alone could hide a 1 and a 3 from the worker that gave 2.
    given = tf.constant([*numbers, sum(n * n for n in numbers)], tf.float64)
    workers = strategy.num_replicas_in_sync
    return bool(tf.reduce_all(_sum(strategy, given) == workers * given))


@contextlib.contextmanager
def worker_lost(strategy: Any) -> Iterator[None]:
    """Turn TensorFlow's errors after a worker of `strategy` died into `WorkerLost`."""
    kinds = ("Aborted", "Cancelled", "DeadlineExceeded", "FailedPrecondition")
    lost = [getattr(tf.errors, f"{kind}Error") for kind in (*kinds, "Unavailable")]
    try:
        yield
    except tuple(lost) as error:
        if not many_workers(strategy):
            raise
        said = f"A worker died: start all workers again. ({error.message})"
        raise WorkerLost(" ".join(said.split())[:400]) from error
