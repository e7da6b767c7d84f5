"""Tests whether the rule for R3GAN's gamma suits pictures of many kinds.

    python tests/benchmarks/gamma.py ../shared/data/*.npz --steps 1500

For each file, the strided networks are trained three times: with a quarter of the
weight that `gan.recipes.r3gan.gamma_for` chooses, with this weight, and with four times
as much. The table has the discriminator's loss of the last 500 steps, and the kernel
distance and the recall of 1,000 fakes. A loss of ln 2 = .69 means that the
discriminator cannot distinguish the fakes, and a loss below .3 that it has won.
Pictures that are larger than `--side` are shrunk by whole numbers.
"""

import argparse
import dataclasses
import os
import pathlib
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np

from gan import metrics
from gan.data.pictures import Pictures
from gan.metrics.report import comparable
from gan.networks.strided import strided_GenDiscr
from gan.recipes import r3gan
from gan.training.aside import draw_fakes


def read(path, side):
    """Pictures of a file, uint8 `(N, h, w, c)`, shrunk by means over squares."""
    with np.load(path) as file:
        names = [name for name in ("x", "google") if name in file.files]
        if not names:
            return None
        pictures = file[names[0]]
    pictures = pictures.reshape(*pictures.shape[:3], -1)
    count, height, width, channels = pictures.shape
    factor = max(height // side, 1)
    shape = (count, height // factor, factor, width // factor, factor, channels)
    means = pictures.reshape(shape).astype(np.float32).mean(axis=(2, 4))
    return np.rint(means).astype(np.uint8)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(
        f"{'data':18} {'gamma':>7} {'loss':>6} {'KID*1000':>9} {'recall':>7} {'s':>5}"
    )
    for path in options.files:
        pictures = read(path, options.side)
        if pictures is None:
            continue
        data = Pictures(pictures)
        chosen = r3gan.gamma_for(pictures)
        some = data.floats()[np.random.default_rng(0).permutation(len(pictures))[:3000]]
        space = comparable(some)
        for factor in (0.25, 1, 4):
            recipe = dataclasses.replace(
                r3gan.COLOUR,
                networks=lambda data: strided_GenDiscr(data.pictures.shape[1:]),
            )
            model = recipe.make_model(
                data, options.seed, options.steps, gamma=factor * chosen
            )
            start = time.process_time()
            model.fit(epochs=1, steps_per_epoch=options.steps - 500, verbose=0)
            last = model.fit(epochs=1, steps_per_epoch=500, verbose=0)
            spent = time.process_time() - start
            fakes = np.clip(draw_fakes(model, 1000), 0, 1).reshape(-1, *some.shape[1:])
            real, fake = space(some), space(fakes)
            kid, _ = metrics.kernel_distance(real, fake)
            _, recall = metrics.precision_recall(real[:1000], fake)
            print(
                f"{path.stem:18} {factor * chosen:7.3g} "
                f"{last.history['discr_loss'][-1]:6.3f} {1e3 * kid:9.2f} {recall:7.3f} "
                f"{spent:5.0f}{' <- chosen' * (factor == 1)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
