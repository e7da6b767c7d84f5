"""Trains R3GAN with dense networks on a hundred Gaussians on a grid of 10×10.

    python tests/benchmarks/grid.py --seeds 3 --output grid.png
    python tests/benchmarks/grid.py --seeds 3 --torch ENVIRONMENT/bin/python

The modes are 1 apart and have a standard deviation of .05. Both networks have three
hidden layers of 128 units. They are SiLU layers, which are smooth: with ReLUs, up to
4% of the fakes lay outside the modes. The first layer of the discriminator takes
sines: ReLUs alone do not learn such small details in 7,000 updates. The frequencies of
the sines are random and do not depend on the grid. The latents are ten random signs,
and two normal numbers with a standard deviation of .2, which give a mode its width.
With normal numbers alone, a continuous generator would also draw points between the
modes. R3GAN is trained for 7,000 updates with batches of 512, γ = .1, Adam(2e-3; 0,
.99), whose learning rates fall to 0, and an averaged generator (.998).

`--torch` names the Python of an environment that has the package particlegan 0.9.4.
Its preset E22 then trains networks of the same width on the same data, on the same
core, for the CPU seconds that R3GAN took (but at least ten updates). E22 draws from a
table of 20,000 latents that are learnt, and adds noise that is learnt.

Both draw 20,000 fakes. A mode is found if a fake lies within three of its standard
deviations. Of the data themselves, 98.9% lie within three standard deviations.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

CENTRES = np.array([(x - 4.5, y - 4.5) for x in range(10) for y in range(10)])
DEVIATION, FAKES, WIDTHS = 0.05, 20_000, [128, 128, 128]


def make_data(seed, count=100_000):
    """Points `(count, 2)`."""
    rng = np.random.default_rng(seed)
    noise = DEVIATION * rng.normal(size=(count, 2))
    return (CENTRES[rng.integers(0, 100, count)] + noise).astype("float32")


def judge(fakes):
    """One line: modes found, and shares and standard deviation of the fakes in them."""
    distances = np.linalg.norm(fakes[:, None] - CENTRES, axis=2)
    mode, near = distances.argmin(axis=1), distances.min(axis=1) < 3 * DEVIATION
    counts = np.bincount(mode[near], minlength=100)
    deviation = (fakes - CENTRES[mode])[near].std()
    return (
        f"modes {np.count_nonzero(counts)} of 100, within 3 deviations "
        f"{near.mean():.1%}, deviation within {deviation:.3f}, mass of a mode "
        f"{counts.min() / len(fakes):.2%} to {counts.max() / len(fakes):.2%}"
    )


def ours(seed, steps, gamma):
    """Fakes of R3GAN, and the CPU seconds of its training."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf
    from keras import layers

    import gan
    from gan.latent import normal_generator, symmetric_generator
    from gan.schedules import LinearDecay

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    def latents(count):
        signs = tf.sign(symmetric_generator(count, 10))
        return tf.concat([signs, 0.2 * normal_generator(count, 2)], axis=1)

    def dense(width, before, bias=None):
        bias = 1 / np.sqrt(before) if bias is None else bias
        biases = keras.initializers.RandomUniform(-bias, bias)
        options = {"kernel_initializer": "he_normal", "bias_initializer": biases}
        return layers.Dense(width, "silu", **options)

    def network(inputs, first, outputs, name):
        parts = [keras.Input((inputs,)), first, dense(128, 128), dense(128, 128)]
        return keras.Sequential([*parts, *outputs], name=name)

    keras.utils.set_random_seed(seed)
    ends = [layers.Dense(2), layers.Rescaling(3.0)]
    generator = network(12, dense(128, 12, 1.0), ends, "generator")
    waves = layers.Dense(
        128,
        keras.ops.sin,
        kernel_initializer=keras.initializers.RandomNormal(0.0, 4.0),
        bias_initializer=keras.initializers.RandomUniform(-np.pi, np.pi),
    )
    discriminator = network(2, waves, [layers.Dense(1)], "discriminator")
    adams = {
        f"{role}_optimizer": keras.optimizers.Adam(
            LinearDecay(2e-3, steps, 0.1), 0.0, 0.99
        )
        for role in ("generator", "discriminator")
    }
    options = {"batch_size": 512, "gamma": gamma, "ema": 0.998, "seed": seed, **adams}
    data = make_data(seed)
    model = gan.R3GAN(generator, discriminator, latents, data, **options)
    start = time.process_time()
    model.fit(epochs=1, steps_per_epoch=steps, verbose=0)
    seconds = time.process_time() - start
    drawn = [model.get_fake_sample(5000) for _ in range(FAKES // 5000)]
    return np.concatenate(drawn), seconds


def theirs(seed, seconds):
    """Fakes of E22 trained for `seconds`, the CPU seconds it took, and its updates."""
    import torch
    from particlegan import GANTrainer, get_recipe, init
    from torch import nn

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    data = torch.tensor(make_data(seed))
    # The package's example has modes of deviation .03, and noise of .029.
    recipe = get_recipe("e22", output_noise_std=0.97 * DEVIATION)

    def network(inputs, outputs, seed):
        parts = []
        for width in WIDTHS:
            parts += [nn.Linear(inputs, width), nn.LeakyReLU(0.2)]
            inputs = width
        parts = nn.Sequential(*parts, nn.Linear(inputs, outputs))
        init.deterministic_orthogonal_(parts, seed=seed)
        return parts

    prior = init.deterministic_orthogonal_(recipe.make_prior())
    both = network(recipe.z_dim, 2, seed), network(2, 1, seed + 1)
    trainer = GANTrainer(recipe, *both, prior=prior, seed=seed)
    start, updates = time.process_time(), 0
    while updates < 10 or time.process_time() - start < seconds:
        trainer.step(data[torch.randint(len(data), (recipe.batch_size,))])
        updates += 1
    used = time.process_time() - start
    with torch.no_grad():
        fakes = trainer.sample(FAKES)
    return np.asarray(fakes), used, updates


def rival(python, seed, seconds):
    """The result of `theirs`, computed by another Python."""
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        line = [python, __file__, "--alone", str(seed), str(seconds), file.name]
        one = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run(line, check=True, env=one)
        with np.load(file.name) as found:
            return found["fakes"], float(found["seconds"]), int(found["updates"])


def draw(sets, path):
    """Draw sets of points beside each other."""
    from gan import plots
    from gan.plots.figure import new_figure, settle

    figure = new_figure(420 * len(sets), 450)
    several = figure.subplots(1, len(sets), squeeze=False)[0]
    for axes, (name, points) in zip(several, sets.items(), strict=True):
        axes.scatter(*points[:5000].T, s=0.6, color="black", linewidths=0)
        axes.set(title=name, aspect="equal", xlim=(-5.2, 5.2), ylim=(-5.2, 5.2))
        axes.set_axis_off()
    print(plots.save(settle(figure), path))


def main():
    """Print a line for each seed; draw the fakes of the first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="the first of the seeds")
    parser.add_argument("--steps", type=int, default=7000)
    parser.add_argument("--gamma", type=float, default=0.1)
    parser.add_argument("--torch", help="Python of an environment with particlegan")
    parser.add_argument("--output", help="picture to be drawn")
    parser.add_argument("--alone", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        seed, seconds, path = options.alone
        names = ("fakes", "seconds", "updates")
        found = theirs(int(seed), float(seconds))
        np.savez(path, **dict(zip(names, found, strict=True)))
        return
    # Both trainings use the same core.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])
    print(f"data                     {judge(make_data(99, FAKES))}")
    for seed in range(options.first, options.first + options.seeds):
        fakes, seconds = ours(seed, options.steps, options.gamma)
        said = f"{options.steps} updates, {seconds:.0f} CPU s"
        print(f"R3GAN, seed {seed}: {judge(fakes)}; {said}", flush=True)
        sets = {"data": make_data(99, FAKES), "R3GAN": fakes}
        if options.torch:
            fakes, used, updates = rival(options.torch, seed, seconds)
            said = f"{updates} updates, {used:.0f} CPU s"
            print(f"E22, seed {seed}: {judge(fakes)}; {said}", flush=True)
            sets["ParticleGAN E22, the same CPU time"] = fakes
        if options.output and seed == options.first:
            draw(sets, options.output)


if __name__ == "__main__":
    sys.exit(main())
