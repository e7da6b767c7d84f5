"""Dense GAN on MNIST.

Latents N(0, I) of 100 dimensions, pictures in [−1, 1], cross-entropy from logits, a
batch of 32, Adam(2e-4, .5) for both networks, 150 epochs of 200 steps.

A classifier of 97.8% on held-out digits (`tests/benchmarks/digits.py`) judged 5,000
fakes after training on 10,000 digits (`python main.py recipe mnist_dense --output run
--pictures mnist_10k.npz`, 5 minutes of one core): all ten digits are there, the rarest
with 6.3%; entropy of the classes 2.263 nats (log 10 = 2.303); kernel distance to the
reals (1.96 ± 0.24) · 10⁻³, of two halves of the reals (0.01 ± 0.05) · 10⁻³.

Reference:
    Goodfellow et al. 2014, Generative Adversarial Nets.
"""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

import keras
from keras import layers

from gan.data.downloads import load_mnist
from gan.data.pictures import Pictures
from gan.latent import LatentGenerator, seeded
from gan.variants.non_saturating_gan import NonSaturatingGAN

if TYPE_CHECKING:
    from gan.recipes.run import Run


def make_generator() -> keras.Model:
    """Generator: latents `(batch, 100)` -> pictures `(batch, 28, 28, 1)` in (−1, 1).

    Returns:
        `keras.Model` of 1,493,520 parameters, 1,489,936 of them trainable.
    """
    hidden = []
    for size in (256, 512, 1024):
        hidden += [layers.Dense(size), layers.LeakyReLU(0.2)]
        hidden += [layers.BatchNormalization(momentum=0.8)]
    return keras.Sequential(
        [
            keras.Input((100,)),
            *hidden,
            layers.Dense(784, activation="tanh"),
            layers.Reshape((28, 28, 1)),
        ],
        name="generator",
    )


def make_discriminator() -> keras.Model:
    """Discriminator: pictures `(batch, 28, 28, 1)` -> logits `(batch, 1)`.

    Returns:
        `keras.Model` of 533,505 parameters.
    """
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Flatten(),
            layers.Dense(512),
            layers.LeakyReLU(0.2),
            layers.Dense(256),
            layers.LeakyReLU(0.2),
            layers.Dense(1),
        ],
        name="discriminator",
    )


def make_model(digits: Pictures, seed: int = 0) -> NonSaturatingGAN:
    """The model on digits.

    Args:
        digits: `gan.data.pictures.Pictures`, 28×28 in grey, at least a batch of them.
        seed: int; the same seed gives the same run.

    Returns:
        `gan.NonSaturatingGAN`, which logs the discriminator's accuracy as well.
    """
    with seeded(seed):
        return NonSaturatingGAN(
            make_generator(),
            make_discriminator(),
            LatentGenerator(100),
            2 * digits.floats() - 1,
            batch_size=32,
            disc_iter=1,
            learning_rate=2e-4,
            beta_1=0.5,
            beta_2=0.999,
        )


def train(run: Run) -> list[pathlib.Path]:
    """Train as `run`, a `gan.recipes.run.Run`, says."""
    digits = load_mnist(run.data, labelled=False)
    print(digits.said, flush=True)
    model = make_model(digits, run.seed)
    pictures = run.pictures(count=25, columns=5)
    run.fit(model, 150, 200, pictures)
    return run.finish(model)
