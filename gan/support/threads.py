"""Sets how TensorFlow shares the cores of a processor among its operations."""

from __future__ import annotations

import os

from gan.errors import require
from gan.support.devices import only_cpu

_told = False


def set_threads() -> None:
    """Lets two operations run at once, each on half of the processor's cores.

    By default TensorFlow runs one operation after the other, each on all cores, but the
    operations on small pictures are too short for that. Call this before TensorFlow has
    run anything. The setting holds for the whole process. The command `train` calls it
    itself. On two cores with AVX-512, a step of `R3GAN` took 11 ms instead of 14
    (strided networks, 32×32 in colour), 55 instead of 65 (residual networks), 65
    instead of 68 (28×28 in grey), and as long as before at 64×64.

    Raises:
        InvalidInput: if TensorFlow runs already, with other threads.

    Example:

    ```python
    import gan

    gan.set_threads()
    ```
    """
    import tensorflow as tf

    threading, cores = tf.config.threading, os.cpu_count() or 1
    two, half = min(2, cores), max(1, cores // 2)
    try:
        threading.set_inter_op_parallelism_threads(two)
        threading.set_intra_op_parallelism_threads(half)
        done = True
    except RuntimeError:
        done = _threads(threading) == (two, half)
    said = "TensorFlow has already started, so its threads cannot be set: call "
    require(done, f"{said}gan.set_threads() right after import gan.")


def tell_of_threads() -> None:
    """Print once that `set_threads` would save time, if it would."""
    global _told
    import tensorflow as tf

    usual = _threads(tf.config.threading) == (0, 0)
    usual = usual and "TF_NUM_INTRAOP_THREADS" not in os.environ
    several = (os.cpu_count() or 1) > 1 and only_cpu()
    if _told or not (usual and several):
        return
    _told = True
    print(
        "Call gan.set_threads() right after import gan: on two cores, steps of small "
        "pictures then take up to a fifth less time.",
        flush=True,
    )


def _threads(threading):
    return (
        threading.get_inter_op_parallelism_threads(),
        threading.get_intra_op_parallelism_threads(),
    )
