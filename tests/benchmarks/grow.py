"""Does growing pay: training at half the side first, against training at once?

    taskset -c 0 python tests/benchmarks/grow.py --data emoji_32.npz --minutes 4

Each line is one training of R3GAN with the networks, batches and options of `train` for
colour pictures, for the same CPU time. "at once" trains at full size. "grown" trains at
half the sides for a third of the time, with twice the channels at the highest
resolution, so that all stages but the highest have the same shapes in both sizes. Their
weights are the start of the training at the full size: in the generator the first
layers, in the discriminator the last ones. The learning rates fall to 0 at the end of
both trainings. The fakes are compared with all pictures in 256 principal coordinates.

Reference:
    Karras et al. 2018, Progressive Growing of GANs for Improved Quality, Stability, and
    Variation, section 2 (without fading in).
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as the commands do

import keras  # noqa: E402
import numpy as np  # noqa: E402

import gan  # noqa: E402
from gan.metrics.report import comparable  # noqa: E402
from gan.recipes.r3gan import gamma_for  # noqa: E402
from gan.schedules import LinearDecay  # noqa: E402
from gan.training.aside import draw_fakes  # noqa: E402


def make_model(pictures, seed, steps, width):
    """The model that `train` makes for colour pictures."""
    keras.utils.set_random_seed(seed)
    networks = gan.strided_GenDiscr(pictures.shape[1:], width=width)
    adams = {
        f"{name}_optimizer": keras.optimizers.Adam(
            LinearDecay(1e-3, steps, 0.4), 0.0, 0.99
        )
        for name in ("generator", "discriminator")
    }
    options = {"batch_size": 32, "penalty_every": 8, "ema": 0.999, "seed": seed}
    return gan.R3GAN(*networks, pictures, gamma=gamma_for(pictures), **options, **adams)


def seconds_a_step(pictures, width):
    """CPU seconds of a step, after the graph is traced."""
    model = make_model(pictures, 0, 1000, width)
    model.fit(epochs=1, steps_per_epoch=32, verbose=0)
    start = time.process_time()
    model.fit(epochs=1, steps_per_epoch=80, verbose=0)
    return (time.process_time() - start) / 80


def copy_equal(small, large, backwards=False):
    """Copy the weights of layers while their shapes agree; return their number."""
    pairs = [
        [layer for layer in network.layers if layer.weights]
        for network in (small, large)
    ]
    if backwards:
        pairs = [layers[::-1] for layers in pairs]
    count = 0
    for one, other in zip(*pairs, strict=False):
        if [w.shape for w in one.weights] != [w.shape for w in other.weights]:
            break
        other.set_weights(one.get_weights())
        count += 1
    return count


def grown(pictures, half, seed, seconds, costs):
    """A model that was trained at half the sides first."""
    steps = int(seconds / 3 / costs[0])
    small = make_model(half, seed, steps, 32)
    small.fit(epochs=1, steps_per_epoch=steps, verbose=0)
    steps = int(seconds * 2 / 3 / costs[1])
    model = make_model(pictures, seed, steps, 16)
    # The discriminator and the generator that it was trained against, and its average.
    kept = [copy_equal(small.generator, model.generator)]
    kept += [copy_equal(small.averaged_generator, model.averaged_generator)]
    kept += [copy_equal(small.discriminator, model.discriminator, backwards=True)]
    model.fit(epochs=1, steps_per_epoch=steps, verbose=0)
    return model, f"{kept[0]} and {kept[2]} layers kept"


def at_once(pictures, seed, seconds, costs):
    steps = int(seconds / costs[1])
    model = make_model(pictures, seed, steps, 16)
    model.fit(epochs=1, steps_per_epoch=steps, verbose=0)
    return model, f"{steps} steps"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help=".npz of 32×32 colour pictures")
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    pictures = np.load(options.data)["x"]
    count, side = pictures.shape[:2]
    squares = pictures.reshape(count, side // 2, 2, side // 2, 2, 3)
    half = np.rint(squares.mean(axis=(2, 4), dtype=np.float32)).astype(np.uint8)
    costs = seconds_a_step(half, 32), seconds_a_step(pictures, 16)
    print(f"a step: {1000 * costs[0]:.1f} ms at half the sides, {1000 * costs[1]:.1f}")
    real = np.float32(pictures / 255)
    space = comparable(real)
    for seed in range(options.seeds):
        seconds = 60 * options.minutes
        for name in ("at once", "grown"):
            start = time.process_time()
            if name == "grown":
                model, said = grown(pictures, half, seed, seconds, costs)
            else:
                model, said = at_once(pictures, seed, seconds, costs)
            spent = time.process_time() - start
            fakes = space(draw_fakes(model, count, seed).clip(0, 1))
            kid = 1000 * gan.metrics.kernel_distance(space(real), fakes)[0]
            fd = gan.metrics.frechet_distance(space(real), fakes)
            precision, recall = gan.metrics.precision_recall(space(real), fakes)
            print(
                f"{name}, seed {seed}: FD {fd:.1f}, kernel distance {kid:.1f}, "
                f"precision {precision:.3f}, recall {recall:.3f}; {said}, "
                f"{spent:.0f} CPU s",
                flush=True,
            )


if __name__ == "__main__":
    main()
