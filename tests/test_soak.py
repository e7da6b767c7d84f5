import os
import subprocess
import sys

import pytest

SOAK = """
import gc, sys
import numpy as np, keras, gan
from gan.training.checkpoint import Checkpoint

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1])

class Watch(keras.callbacks.Callback):
    batches = 0
    seen = []
    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1
        if self.batches % 500 == 0:
            self.seen.append(resident())

keras.utils.set_random_seed(0)
real = np.random.default_rng(0).normal(0.5, 0.1, (64, 2)).astype("float32")
parts = gan.fully_connected_GenDiscr([2, 4, 2], real)
model = gan.WGAN_GP(*parts, real, batch_size=8, ema=0.9)
model.compile(steps_per_execution=1)
watch = Watch()
model.fit(epochs=100, steps_per_epoch=100, verbose=0, callbacks=[
    Checkpoint(sys.argv[1] + "/run"),
    keras.callbacks.CSVLogger(sys.argv[1] + "/log.csv"),
    watch,
])
assert watch.batches == model.generator.optimizer.iterations == 10_000
print(*watch.seen)
"""


@pytest.mark.slow
def test_memory_stays_level(tmp_path):
    """10,000 steps, 100 checkpoints and 100 log lines add less than 2% of memory."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    run = subprocess.run(
        [sys.executable, "-c", SOAK, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": root, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        text=True,
        timeout=900,
    )
    assert run.returncode == 0
    pages = [int(word) for word in run.stdout.split()]
    assert len(pages) == 20
    growth = max(pages) / pages[0] - 1
    print(f"resident memory grew by {growth:.2%} of {pages[0] // 256} MiB", end=" ")
    assert growth < 0.02
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 101
    assert len(list((tmp_path / "run").glob("epoch-*.keras"))) == 2
