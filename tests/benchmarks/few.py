"""Measures whether augmentation helps if there are few pictures.

    taskset -c 0 python tests/benchmarks/few.py --data avatars_64.npz --minutes 12

The pictures are shrunk to 32×32 pixels by means over 2×2, and 300 of them are used for
training, with the networks and options of `train`. Four times during the training,
2,850 fakes are compared with as many of the other pictures, by 256 principal
coordinates of these: the Fréchet distance, the kernel distance · 10³, precision and
recall. The neighbour ratio is below 1 if fakes are nearer to the training pictures than
these are to each other. The minutes are CPU minutes.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the commands do

import numpy as np  # noqa: E402

import gan  # noqa: E402
from gan import metrics  # noqa: E402
from gan.data.pictures import Pictures  # noqa: E402
from gan.metrics.report import comparable  # noqa: E402
from gan.recipes import r3gan  # noqa: E402
from gan.training.aside import draw_fakes  # noqa: E402

PARTS = 4


def read(path, count):
    """Pictures uint8 `(count, 32, 32, 3)` for training, and all the others."""
    with np.load(path) as file:
        pictures = file["x"]
    small = pictures.reshape(len(pictures), 32, 2, 32, 2, 3).mean(axis=(2, 4))
    small = np.rint(small).astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(small))
    return small[order[:count]], small[order[count:]]


def compare(reals, fakes, train):
    """One line of measures."""
    space = comparable(reals)
    real, fake = space(reals), space(fakes)
    distance, error = metrics.kernel_distance(real, fake)
    precision, recall = metrics.precision_recall(real, fake)
    line = f"FD {metrics.frechet_distance(real, fake):.1f}, kernel distance "
    line += f"{1e3 * distance:.1f} ± {1e3 * error:.1f}, precision {precision:.3f}, "
    ratio = metrics.neighbour_ratio(train, fakes)
    return f"{line}recall {recall:.3f}, neighbour ratio {ratio:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="avatars of 64×64 pixels")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument(
        "--changes",
        nargs="+",
        default=["none", "translation", "colour,translation,cutout"],
        help="for each training, the changes of DiffAugment",
    )
    options = parser.parse_args()
    train, others = read(options.data, options.count)
    reals = np.float32(others / 255)
    half = len(reals) // 2
    small = np.float32(train / 255)
    print(f"other drawn faces: {compare(reals[:half], reals[half:], small)}")
    data = Pictures(train)
    for seed in options.seeds:
        for changes in options.changes:
            layer = None if changes == "none" else gan.DiffAugment(changes.split(","))

            def make(steps, seed=seed, layer=layer):
                recipe = r3gan.recipe_for(data)
                return recipe.make_model(data, seed, steps, augment=layer)

            model = make(1000)
            model.fit(epochs=1, steps_per_epoch=32, verbose=0)
            start = time.process_time()
            model.fit(epochs=1, steps_per_epoch=80, verbose=0)
            cost = (time.process_time() - start) / 80
            steps = int(60 * options.minutes / cost / PARTS)
            model, spent = make(PARTS * steps), 0
            for part in range(PARTS):
                start = time.process_time()
                model.fit(epochs=1, steps_per_epoch=steps, verbose=0)
                spent += time.process_time() - start
                fakes = np.clip(draw_fakes(model, half), 0, 1)
                told = f"seed {seed}, {changes}, {(part + 1) * steps} steps, "
                told += f"{spent:.0f} CPU s: {compare(reals[:half], fakes, small)}"
                print(told, flush=True)


if __name__ == "__main__":
    main()
