"""Trains CycleGAN to translate emoji of two vendors without pairs, and measures it.

    taskset -c 0 python tests/benchmarks/unpaired.py --data emoji_pairs_64.npz \\
        --minutes 15 --seeds 0 1 2 --output runs

The 1,911 pairs without skin tones are shrunk to 32×32 pixels by means over 2×2. The
last 311 of `default_rng(0).permutation(1911)` are held out. `gan.CycleGAN` gets the
pictures of all other pairs, but not which belong together. The minutes are CPU
minutes of one core.

For the held-out pairs, in both directions, the script prints the PSNR in dB, how often
the nearest held-out target is the right one, and the kernel distance, times 1,000, to
the training pictures of the kind by 256 whitened principal coordinates. It prints the
same for the inputs themselves.
"""

import argparse
import os
import pathlib
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the commands do

import keras  # noqa: E402
import numpy as np  # noqa: E402

import gan  # noqa: E402
from gan.metrics import pairs  # noqa: E402
from gan.schedules import LinearDecay  # noqa: E402

EPOCHS = 10
HELD_OUT = 311


def read(path):
    """Pairs of float arrays (google, twitter), for training and held out."""
    with np.load(path) as file:
        plain = file["skin"] == ""
        both = [file[name][plain] for name in ("google", "twitter")]
    order = np.random.default_rng(0).permutation(len(both[0]))
    both = [x.reshape(len(x), 32, 2, 32, 2, 3).mean(axis=(2, 4)) / 255 for x in both]
    both = [x[order].astype(np.float32) for x in both]
    return [x[:-HELD_OUT] for x in both], [x[-HELD_OUT:] for x in both]


def make_model(real, seed, steps, options):
    """The model, whose learning rates fall to 0 at the end of these steps."""
    keras.utils.set_random_seed(seed)
    networks = gan.cycle_GenDiscr((32, 32, 3), (32, 32, 3), options.width)
    rate = options.rate
    adams = [
        keras.optimizers.Adam(LinearDecay(rate, steps, 0.4), 0, 0.99) for _ in "gd"
    ]
    return gan.CycleGAN(
        *networks,
        real,
        batch_size=options.batch,
        gamma=options.gamma,
        penalty_every=options.every,
        cycle_weight=options.cycle,
        identity_weight=options.identity,
        ema=0.999,
        generator_optimizer=adams[0],
        discriminator_optimizer=adams[1],
        pixel_range=(0, 1),
    )


def seconds_a_step(make):
    """CPU seconds of a step, after the graph is traced."""
    model = make(0, 1000)
    model.fit(epochs=1, steps_per_epoch=16, verbose=0)
    start = time.process_time()
    model.fit(epochs=1, steps_per_epoch=40, verbose=0)
    return (time.process_time() - start) / 40


def distance(reals, pictures):
    """A thousand times the whitened kernel distance."""
    axes = gan.metrics.principal_axes(reals, 256)
    both = [gan.metrics.whitened_coordinates(x, axes) for x in (reals, pictures)]
    return 1000 * gan.metrics.kernel_distance(*both)[0]


def judge(model, learnt, withheld):
    """Lines of a table about one model."""
    lines, names = [], ("google to twitter", "twitter to google")
    for way, name in enumerate(names):
        given, truth, reals = withheld[way], withheld[1 - way], learnt[1 - way]
        made = given if model is None else model.one_way(way)(given).numpy().clip(0, 1)
        lines.append(
            f"{name}: {pairs.psnr(truth, made):.2f} dB, top-1 "
            f"{pairs.top_1(truth, made):.3f}, distance {distance(reals, made):.1f}"
        )
    return lines


def main():
    """Train the models whose files do not exist yet, and measure all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="emoji of two vendors")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--gamma", type=float, default=0.3)
    parser.add_argument("--every", type=int, default=4, help="penalty_every")
    parser.add_argument("--cycle", type=float, default=3.0)
    parser.add_argument("--identity", type=float, default=0.5)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--output", type=pathlib.Path, default="runs")
    options = parser.parse_args()
    learnt, withheld = read(options.data)
    print("the input itself", *judge(None, learnt, withheld), sep="\n", flush=True)
    rng = np.random.default_rng(1)
    # Shuffle both kinds, so that their order does not show the pairs.
    real = tuple(rng.permutation(pictures) for pictures in learnt)
    cost = None
    for seed in options.seeds:
        folder = options.output / f"unpaired-{seed}"
        if not (folder / "model.keras").exists():
            cost = cost or seconds_a_step(lambda *n: make_model(real, *n, options))
            steps = int(60 * options.minutes / cost / EPOCHS)
            print(f"{EPOCHS} × {steps} steps of {1000 * cost:.1f} ms", flush=True)
            start = time.process_time()
            model = make_model(real, seed, EPOCHS * steps, options)
            kept = [gan.callbacks.Checkpoint(folder / "checkpoints")]
            model.fit(epochs=EPOCHS, steps_per_epoch=steps, verbose=0, callbacks=kept)
            model.save(folder / "model.keras")
            print(f"{(time.process_time() - start) / 60:.1f} min", flush=True)
        model = gan.load_model(folder / "model.keras")
        print(f"\n{folder}", *judge(model, learnt, withheld), sep="\n", flush=True)


if __name__ == "__main__":
    main()
