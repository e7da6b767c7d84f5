"""How many modes of a ring of 8 and a grid of 25 Gaussians each objective finds.

    python tests/benchmarks/modes.py --seeds 3

The latents are N(0, I) of two dimensions. Both networks have three hidden layers of 128
ReLU units and a linear last layer. They are trained for 5,000 steps with batches of
200, Adam(1e-3) and an averaged generator (.999), which draws 2,500 fakes. A mode is
found if a fake lies within three of its standard deviations.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import numpy as np  # noqa: E402

import gan  # noqa: E402

OBJECTIVES = {
    "Simple_GAN": {"disc_iter": 1},
    "WGAN_clip": {"disc_iter": 5, "clip": 0.1},
    "WGAN_GP": {"disc_iter": 5, "beta_1": 0.0, "lambda_gp": 0.1},
    "MinimaxGAN": {"disc_iter": 1},
    "NonSaturatingGAN": {"disc_iter": 1},
    "HingeGAN": {"disc_iter": 1},
    "R3GAN": {"beta_2": 0.99, "gamma": 0.1},
}
LAYOUTS = {
    "ring": [(np.cos(a), np.sin(a)) for a in np.arange(8) * np.pi / 4],
    "grid": [(x / 2, y / 2) for x in range(-2, 3) for y in range(-2, 3)],
}
DEVIATION = 0.0125


def judge(name, centres, seed, steps):
    """Modes found, the share of fakes within three deviations, SW2, and seconds."""
    centres, rng = np.array(centres), np.random.default_rng(seed)
    noise = DEVIATION * rng.normal(size=(20_000, 2))
    real = (centres[rng.integers(0, len(centres), 20_000)] + noise).astype("float32")
    keras.utils.set_random_seed(seed)
    networks = gan.fully_connected_GenDiscr(
        [2, 128, 128, 128, 2], real, activation="relu", bounded=False
    )
    options = {"batch_size": 200, "learning_rate": 1e-3, "ema": 0.999}
    options |= OBJECTIVES[name]
    model = getattr(gan, name)(*networks, real, seed=seed, **options)
    start = time.perf_counter()
    model.fit(epochs=1, steps_per_epoch=steps, verbose=0)
    seconds = time.perf_counter() - start
    fakes = model.get_fake_sample(2500).numpy()
    distances = np.linalg.norm(fakes[:, None] - centres, axis=2)
    near = distances.min(axis=1) < 3 * DEVIATION
    found = len({*distances.argmin(axis=1)[near]})
    return found, near.mean(), gan.metrics.sliced_wasserstein(real, fakes), seconds


def main():
    """Print a row for each layout and objective."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--only", choices=LAYOUTS, help="one of the layouts")
    options = parser.parse_args()
    for layout in [options.only] if options.only else LAYOUTS:
        centres = LAYOUTS[layout]
        for name in OBJECTIVES:
            seeds = range(options.seeds)
            rows = [judge(name, centres, seed, options.steps) for seed in seeds]
            modes, shares, gaps, seconds = zip(*rows, strict=True)
            print(
                f"{layout} {name:16} modes {modes} of {len(centres)}, "
                f"within 3 deviations {np.round(shares, 2)}, "
                f"SW2 {np.round(gaps, 3)}, {np.mean(seconds):.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
