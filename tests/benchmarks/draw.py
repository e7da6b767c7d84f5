"""Measures the time and the memory of drawing samples from many real examples.

    python tests/benchmarks/draw.py

First, 200 row numbers are drawn, as in `get_real_sample`, from 10,000, a million and
ten million rows. Each size has a loop in a graph, and the loops take turns. The script
prints the time of a draw, and its ratio to the time for 10,000 rows. Then a model is
trained on a memory-mapped array of a million pictures (256 MB of uint8). The script
prints by how much the resident memory grows, and what a float copy would take.
"""

import os
import pathlib
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

import gan  # noqa: E402
from gan.latent import Stream, distinct_numbers  # noqa: E402


def resident():
    """Private resident memory in MB: mapped pages of the file do not count."""
    text = pathlib.Path("/proc/self/status").read_text()
    return int(text.split("RssAnon:")[1].split()[0]) / 1024


def draws():
    stream, loops = Stream(0), {}
    for rows in (10**4, 10**6, 10**7):

        @tf.function(autograph=False)
        def loop(rows=rows):
            def body(i, total):
                numbers = distinct_numbers(rows, 200, stream.next_seed())
                return i + 1, total + tf.reduce_sum(numbers)

            start = (tf.constant(0), tf.constant(0, tf.int64))
            return tf.while_loop(lambda i, _: i < 2000, body, start)[1]

        loop()
        loops[rows] = loop
    best = dict.fromkeys(loops, np.inf)
    for _ in range(7):
        for rows, loop in loops.items():
            start = time.perf_counter()
            int(loop())
            best[rows] = min(best[rows], time.perf_counter() - start)
    for rows, seconds in best.items():
        ratio = seconds / best[10**4]
        print(f"200 of {rows:>10,}: {seconds / 2000 * 1e6:6.1f} us   {ratio:4.2f}")


def memory():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "pictures.npy"
        shape = (10**6, 16, 16)
        pictures = np.lib.format.open_memmap(path, "w+", "uint8", shape)
        pictures[:] = np.random.default_rng(0).integers(0, 256, shape[1:], "uint8")
        del pictures
        pictures = np.load(path, mmap_mode="r")
        latent = gan.latent.LatentGenerator(16)
        for name, data in (
            ("10,000 in memory", pictures[:10_000].copy()),
            ("1,000,000 mapped", pictures),
        ):
            before = resident()
            model = gan.WGAN_GP(*gan.convolutional_GenDiscr(), latent, data)
            model.compile()
            model.fit(epochs=1, steps_per_epoch=10, verbose=0)
            print(f"training on {name}: {resident() - before:6.0f} MB more")
        print(f"a float32 copy of the whole: {np.prod(shape) * 4 / 2**20:6.0f} MB")


if __name__ == "__main__":
    draws()
    memory()
