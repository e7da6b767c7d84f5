"""Kills four programs at random moments; each must end as if it were never killed.

    python tests/benchmarks/kills.py --kills 25

The programs are `train`, two recipes, and a script with callbacks. A killed program is
started again until it ends. Then every file must equal that of an uninterrupted run,
and no temporary file may be left. Of a model, only the numbers are compared, because
its ZIP file contains times.
"""

import argparse
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = """
import sys
import gan
import keras

keras.utils.set_random_seed(0)
real = gan.toys.circle(200)
parts = gan.fully_connected_GenDiscr([2, 10, 10, 2], real)
model = gan.WGAN_GP(*parts, real, batch_size=50, ema=0.9, seed=0)
draw = lambda model: gan.plots.points_and_values(
    real, model.get_fake_sample(200), [[0.0]])
folder = sys.argv[1]
model.fit(epochs=160, steps_per_epoch=5, verbose=0, callbacks=[
    gan.callbacks.Metrics(real, ["sw2"], count=100),
    gan.callbacks.Losses(folder + "/losses.png", real),
    gan.callbacks.SampleGrid(folder + "/grid", draw=draw, every=4),
    gan.callbacks.Animation(folder + "/a.gif", draw=draw, every=4),
    gan.callbacks.Checkpoint(folder + "/run")])
"""


def programs(data):
    main = [sys.executable, str(ROOT / "main.py")]
    rng = np.random.default_rng(0)
    np.save(data / "faces.npy", rng.integers(0, 256, (200, 16, 16), "uint8"))
    digits = rng.integers(0, 256, (256, 28, 28), "uint8")
    np.savez(data / "digits.npz", x_train=digits, y_train=np.arange(256) % 10)
    faces = ["--pictures", data / "faces.npy", "--epochs", "90", "--steps", "2", "-q"]
    digits = ["--data", data / "digits.npz", "--epochs", "120", "--steps", "1", "-q"]
    return {
        "train": [*main, "train", *faces, "--output"],
        "recipe mnist_dense": [
            *main,
            *("train", "--recipe", "mnist_dense", *digits, "--output"),
        ],
        "recipe gaussian": [
            *main,
            *("train", "--recipe", "gaussian", "--epochs", "40", "--steps", "20", "-q"),
            "--output",
        ],
        "script with callbacks": [sys.executable, "-c", SCRIPT],
    }


def run(command, folder, kill_after=None):
    """Run a program, or kill it `kill_after` seconds after it has locked its folder."""
    folder.mkdir(exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    started = time.time()
    process = subprocess.Popen(
        [*map(str, command), str(folder)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if kill_after is not None:
        while process.poll() is None:
            locks = [p.stat().st_atime for p in folder.rglob(".lock")]
            if max(locks, default=0) and time.time() - started > 4:
                break
            time.sleep(0.05)
        time.sleep(kill_after)
        process.kill()
    output = process.communicate()[0]
    return process.returncode, output


def differences(one, other):
    import gan
    from gan.saving.model_file import state_of

    def names(folder):
        paths = [p.relative_to(folder) for p in folder.rglob("*") if p.is_file()]
        return {p for p in paths if p.name not in (".lock", "run.json")}

    found = [f"{path} in one only" for path in names(one) ^ names(other)]
    for path in sorted(names(one) & names(other)):
        if path.suffix == ".keras":
            models = [gan.load_model(folder / path) for folder in (one, other)]
            states = zip(*map(state_of, models), strict=True)
            same = all(np.array_equal(a.numpy(), b.numpy()) for a, b in states)
        else:
            same = (one / path).read_bytes() == (other / path).read_bytes()
        found += [] if same else [f"{path} differs"]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=25, help="of each program")
    parser.add_argument("--only", metavar="NAME", help="one of the programs")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    moments = random.Random(options.seed)
    wrong = 0
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        chosen = programs(place)
        chosen = {options.only: chosen[options.only]} if options.only else chosen
        for number, (name, command) in enumerate(chosen.items()):
            calm, killed = place / f"calm{number}", place / f"killed{number}"
            status, output = run(command, calm)
            assert status == 0, output
            kills = ended = 0
            while kills < options.kills and not ended:
                status, output = run(command, killed, moments.uniform(0, 1.5))
                kills += status < 0
                ended = status == 0
                assert status in (0, -9), output
            status, output = run(command, killed)
            assert status == 0, output
            found = differences(calm, killed)
            left = [str(p) for p in killed.rglob(".gan-*")]
            wrong += bool(found or left)
            print(
                f"{name}: {kills} kills; {found or 'equal'}; left: {left}", flush=True
            )
    raise SystemExit(wrong > 0)


if __name__ == "__main__":
    main()
