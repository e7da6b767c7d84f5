"""Compares discriminators of the faces' generator by quality over training time.

    python tests/benchmarks/teachers.py --pictures small_res_faces_10000.npy \\
        --seconds 120 --seeds 3 --output teachers.png

The same generator is trained three times for the same number of seconds: with the
course's discriminator by WGAN_GP (the recipe of version 0.1.0), with a dense
discriminator, the dense critic, by WGAN_GP, and with the dense critic by R3GAN (the
present recipe). The learning rates fall over the last 70% of the time. The averaged
generator is measured several times during training. The seconds are those of training
alone.
"""

import argparse
import dataclasses
import json
import time

import keras
import numpy as np

import gan
from gan import plots
from gan.recipes import faces
from gan.schedules import LinearDecay

DENSE = dataclasses.replace(faces.RECIPES["gan"], epochs=1, steps_per_epoch=1)


def course(pictures, seed, steps):
    """The recipe of version 0.1.0, without its calibration."""
    keras.utils.set_random_seed(seed)
    networks = gan.convolutional_GenDiscr()
    return wasserstein(*networks, pictures, seed, steps, 50, 2e-3, 0.995)


def dense_wgan_gp(pictures, seed, steps):
    """The dense critic, trained by WGAN_GP."""
    keras.utils.set_random_seed(seed)
    generator, _ = gan.convolutional_GenDiscr()
    teacher = faces.make_teacher()
    return wasserstein(generator, teacher, pictures, seed, steps, 64, 1e-3, 0.998)


def wasserstein(generator, critic, pictures, seed, steps, batch, rate, ema):
    optimizers = [
        keras.optimizers.Adam(LinearDecay(rate, updates), 0.0, 0.9)
        for updates in (steps, 2 * steps)
    ]
    return gan.WGAN_GP(
        generator,
        critic,
        gan.latent.LatentGenerator(16),
        pictures,
        batch,
        2,
        rate,
        ema=ema,
        batch_statistics=False,
        generator_optimizer=optimizers[0],
        discriminator_optimizer=optimizers[1],
        seed=seed,
    )


def dense_r3gan(pictures, seed, steps):
    """The present recipe: the dense critic, trained by R3GAN."""
    recipe = dataclasses.replace(DENSE, steps_per_epoch=steps)
    return faces.make_model(pictures, recipe, seed)[0]


TEACHERS = {
    "course's discriminator, WGAN_GP": course,
    "dense critic, WGAN_GP": dense_wgan_gp,
    "dense critic, R3GAN": dense_r3gan,
}


def pace(make, pictures):
    """Steps per second, after the graph is traced."""
    model = make(pictures, 0, 1000)
    model.fit(epochs=1, steps_per_epoch=50, verbose=0)
    start = time.perf_counter()
    model.fit(epochs=1, steps_per_epoch=150, verbose=0)
    return 150 / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", required=True)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--points", type=int, default=6)
    parser.add_argument("--output", default="teachers.png")
    options = parser.parse_args()
    pictures = gan.faces.load_faces(options.pictures).pictures
    found = {}
    for name, make in TEACHERS.items():
        rate = pace(make, pictures)
        steps = int(rate * options.seconds / options.points)
        for seed in range(options.seeds):
            model, spent = make(pictures, seed, steps * options.points), 0.0
            for _ in range(options.points):
                start = time.perf_counter()
                model.fit(epochs=1, steps_per_epoch=steps, verbose=0)
                spent += time.perf_counter() - start
                judged = faces.measure(pictures, faces._draw(model, len(pictures) // 2))
                found.setdefault(name, {}).setdefault(seed, []).append((spent, judged))
            row = ", ".join(f"{key} {value:.4f}" for key, value in judged.items())
            print(f"{name}, seed {seed}: {rate:.0f} steps/s, {spent:.0f} s: {row}")
    with open(options.output + ".json", "w") as file:
        json.dump(found, file)
    panels = {}
    for measure in ("fd", "fd49", "recall", "precision"):
        panels[measure] = {}
        for name, runs in found.items():
            seconds = np.median([[s for s, _ in run] for run in runs.values()], axis=0)
            values = [[judged[measure] for _, judged in run] for run in runs.values()]
            panels[measure][name] = seconds, np.median(values, axis=0)
    figure = plots.curves(panels, "median of the seeds, against seconds of training")
    for axes in figure.axes:
        axes.set_xlabel("seconds of training")
    print(plots.save(figure, options.output))


if __name__ == "__main__":
    main()
