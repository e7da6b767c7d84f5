"""Compares the time of a step of R3GAN with that of PyTorch, on one core.

    python tests/benchmarks/torch_step.py --torch ENVIRONMENT/bin/python

Both libraries train the strided networks on random colour pictures, with batches of 32.
A step updates each network once by Adam, and the averaged generator; every eighth step
has penalties. PyTorch runs eagerly, with channels last and with channels first, in an
environment and a process of its own. The two take turns on the same core, with one
thread each. The script measures CPU time, because on a busy machine other programs
change the time by the clock.
"""

import argparse
import os
import subprocess
import sys
import time

BATCH, LATENTS, EVERY, GAMMA, WIDTH = 32, 64, 8, 3.0, 16
STEPS = 5 * EVERY


def cpu_milliseconds(step, steps=STEPS):
    """CPU milliseconds of a step, without the first steps."""
    step(2 * EVERY)
    start = time.process_time()
    step(steps)
    return 1e3 * (time.process_time() - start) / steps


def ours(size):
    """CPU milliseconds of a step through `fit`."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import numpy as np
    import tensorflow as tf

    import gan

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    shape = (size, size, 3)
    pictures = np.random.default_rng(0).integers(0, 256, (256, *shape), "uint8")
    networks = gan.strided_GenDiscr(shape, width=WIDTH)
    options = {"penalty_every": EVERY, "gamma": GAMMA, "ema": 0.999, "beta_2": 0.99}
    model = gan.R3GAN(*networks, pictures, batch_size=BATCH, **options)

    def step(steps):
        model.fit(epochs=1, steps_per_epoch=steps, verbose=0)

    return cpu_milliseconds(step)


def theirs(size, last):
    """CPU milliseconds of a step of the same networks in PyTorch."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    torch.set_num_threads(1)
    torch.manual_seed(0)
    layout = torch.channels_last if last else torch.contiguous_format
    widths, side = [], size
    while side >= 8 and side % 2 == 0:
        widths.append(WIDTH * 2 ** min(len(widths), 2))
        side //= 2

    class Block(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.first = nn.Conv2d(width, width, 3, padding=1)
            self.second = nn.Conv2d(width, width, 3, padding=1)
            nn.init.zeros_(self.second.weight)

        def forward(self, x):
            y = self.first(F.leaky_relu(x, 0.2))
            return x + self.second(F.leaky_relu(y, 0.2))

    class Generator(nn.Module):
        def __init__(self):
            super().__init__()
            self.start = nn.Linear(LATENTS, side * side * widths[-1])
            self.parts = nn.ModuleList()
            for width, after in zip(widths[::-1], [*widths[-2::-1], 0], strict=True):
                self.parts.append(Block(width))
                if after:
                    if after != width:
                        self.parts.append(nn.Conv2d(width, after, 1))
                    self.parts.append(nn.Upsample(scale_factor=2, mode="bilinear"))
            self.end = nn.Conv2d(widths[0], 12, 3, padding=1)

        def forward(self, z):
            x = self.start(z).view(-1, widths[-1], side, side)
            x = x.contiguous(memory_format=layout)
            for part in self.parts:
                x = part(x)
            x = F.pixel_shuffle(self.end(F.leaky_relu(x, 0.2)), 2)
            return F.avg_pool2d(F.pad(x, (0, 1, 0, 1), "replicate"), 2, 1)

    parts, before = [], 3
    for width in widths:
        parts += [nn.Conv2d(before, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        before = width
    parts += [nn.Flatten(), nn.Linear(side * side * before, 256), nn.LeakyReLU(0.2)]
    critic = nn.Sequential(*parts, nn.Linear(256, 1)).to(memory_format=layout)
    generator = Generator().to(memory_format=layout)
    average = Generator().to(memory_format=layout)
    average.load_state_dict(generator.state_dict())
    real = torch.randint(0, 256, (256, 3, size, size), dtype=torch.uint8)
    real = real.contiguous(memory_format=layout)
    adams = [
        torch.optim.Adam(network.parameters(), 1e-3, (0.0, 0.99))
        for network in (critic, generator)
    ]
    done = 0

    def judge(pictures):
        return critic(4 * pictures - 2)

    def draw():
        return real[torch.randint(256, (BATCH,))].float() / 255

    def penalty(pictures):
        pictures = pictures.detach().requires_grad_(True)
        total = judge(pictures).sum()
        (slopes,) = torch.autograd.grad(total, pictures, create_graph=True)
        return slopes.square().sum((1, 2, 3)).mean()

    def step(steps):
        nonlocal done
        for _ in range(steps):
            some = draw()
            with torch.no_grad():
                fakes = generator(torch.randn(BATCH, LATENTS))
            loss = F.softplus(judge(fakes) - judge(some)).mean()
            if done % EVERY == 0:
                loss = loss + EVERY * GAMMA / 2 * (penalty(some) + penalty(fakes))
            adams[0].zero_grad(set_to_none=True)
            loss.backward()
            adams[0].step()
            fakes = generator(torch.randn(BATCH, LATENTS))
            critic.requires_grad_(False)
            loss = F.softplus(judge(draw()) - judge(fakes)).mean()
            adams[1].zero_grad(set_to_none=True)
            loss.backward()
            critic.requires_grad_(True)
            adams[1].step()
            with torch.no_grad():
                both = zip(average.parameters(), generator.parameters(), strict=True)
                for mean, value in both:
                    mean.lerp_(value, 0.001)
            done += 1

    return cpu_milliseconds(step)


def main():
    """Print a row for each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torch", help="Python of an environment with PyTorch")
    parser.add_argument("--sizes", type=int, nargs="*", default=[32, 64])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--alone", choices=["ours", "last", "first"])
    options = parser.parse_args()
    if options.alone:
        size = options.sizes[0]
        alone = options.alone
        print(ours(size) if alone == "ours" else theirs(size, alone == "last"))
        return
    if options.torch is None:
        parser.error("--torch is missing: name the Python of an environment with it")
    pythons = {"ours": sys.executable, "last": options.torch, "first": options.torch}
    # All use the same core, and one thread.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])
    surroundings = {**os.environ, "OMP_NUM_THREADS": "1"}
    for size in options.sizes:
        times = {name: [] for name in pythons}
        for _ in range(options.rounds):
            for name, python in pythons.items():
                line = [python, __file__, "--alone", name, "--sizes", str(size)]
                run = subprocess.run(
                    line, check=True, stdout=subprocess.PIPE, env=surroundings
                )
                times[name].append(float(run.stdout.split()[-1]))
        best = {name: min(found) for name, found in times.items()}
        other = min(best["last"], best["first"])
        print(
            f"{size}x{size}, CPU ms a step: ours {best['ours']:.0f}, PyTorch channels "
            f"last {best['last']:.0f}, first {best['first']:.0f}: "
            f"{other / best['ours']:.1f} times as quick",
            flush=True,
        )


if __name__ == "__main__":
    main()
