"""Trains several GANs on digits, each for the same time on one core.

    taskset -c 0 python tests/benchmarks/equal_time.py --data mnist_10k.npz \\
        --minutes 15 --seeds 0 1 2 --output runs
    python tests/benchmarks/digits.py --data mnist_10k.npz runs/*

The GANs are R3GAN and WGAN_GP with the same residual networks, each with and without
classes, and the recipe of DCGAN. The number of steps is as many as fit into the given
minutes. For this, the script measures the CPU time of 60 steps after the graph is
traced; other programs do not change the CPU time. The learning rates of R3GAN and
WGAN_GP fall to 0 at the end. The second command measures the fakes.
"""

import argparse
import os
import pathlib
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the commands do

import keras  # noqa: E402

import gan  # noqa: E402
from gan.data.downloads import load_mnist  # noqa: E402
from gan.data.pictures import Pictures  # noqa: E402
from gan.recipes import mnist_dcgan, r3gan  # noqa: E402
from gan.schedules import LinearDecay  # noqa: E402


def wgan_gp(data, seed, steps):
    """WGAN_GP with R3GAN's networks, and two discriminator updates per step."""
    keras.utils.set_random_seed(seed)
    classes = len(data.names) or None
    parts = gan.residual_GenDiscr(data.pictures.shape[1:], width=16, classes=classes)
    rates = [LinearDecay(5e-4, updates, 0.4) for updates in (steps, 2 * steps)]
    adams = [keras.optimizers.Adam(rate, 0.0, 0.9) for rate in rates]
    real = (data.pictures, data.labels) if classes else data.pictures
    numbers = {"batch_size": 64, "disc_iter": 2, "lambda_gp": 10.0, "ema": 0.999}
    optimizers = {"generator_optimizer": adams[0], "discriminator_optimizer": adams[1]}
    return gan.WGAN_GP(*parts, real, **numbers, **optimizers)


def systems(labelled):
    """Dict from names to functions: a seed and a number of steps -> a model."""
    plain = Pictures(labelled.pictures)
    return {
        "r3gan": lambda *numbers: r3gan.GREY.make_model(plain, *numbers),
        "wgan_gp": lambda *numbers: wgan_gp(plain, *numbers),
        "dcgan": lambda seed, _: mnist_dcgan.RECIPE.make_model(labelled, seed),
        "r3gan-classes": lambda *numbers: r3gan.GREY.make_model(labelled, *numbers),
        "wgan_gp-classes": lambda *numbers: wgan_gp(labelled, *numbers),
    }


def seconds_a_step(make):
    """CPU seconds of a step, after the graph is traced."""
    model = make(0, 1000)
    model.fit(epochs=1, steps_per_epoch=30, verbose=0)
    start = time.process_time()
    model.fit(epochs=1, steps_per_epoch=60, verbose=0)
    return (time.process_time() - start) / 60


def main():
    """Train the models whose files do not exist yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="labelled digits")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", help="names of systems")
    parser.add_argument("--output", type=pathlib.Path, default="runs")
    options = parser.parse_args()
    for name, make in systems(load_mnist(options.data)).items():
        if options.only and name not in options.only:
            continue
        cost = seconds_a_step(make)
        steps = int(60 * options.minutes / cost)
        for seed in options.seeds:
            folder = options.output / f"{name}-{seed}"
            if (folder / "model.keras").exists():
                continue
            start, model = time.process_time(), make(seed, steps)
            model.fit(epochs=1, steps_per_epoch=steps, verbose=0)
            minutes = (time.process_time() - start) / 60
            folder.mkdir(parents=True, exist_ok=True)
            model.save(folder / "model.keras")
            print(f"{folder}: {steps} steps of {1000 * cost:.1f} ms, {minutes:.1f} min")


if __name__ == "__main__":
    main()
