"""DCGAN on MNIST.

It uses latents N(0, I) of 100 dimensions, pictures in [−1, 1], cross-entropy from
logits, batches of 256 and Adam(1e-4) for both networks, for 100 epochs.

It was trained on 10,000 digits (`python main.py train --recipe mnist_dcgan --output run
--pictures mnist_10k.npz`, 4,000 steps, 51 minutes on one core). A classifier with an
accuracy of 97.8% on held-out digits (`tests/benchmarks/digits.py`) then classified
5,000 fakes. All ten digits are there: the rarest is 2.7% of the fakes, the most
frequent 26.5%. The entropy of the classes is 2.065 nats (log 10 = 2.303). The kernel
distance to the reals is (15.6 ± 0.4) · 10⁻³; that of two halves of the reals is (0.01 ±
0.05) · 10⁻³. On all of MNIST, 100 epochs are 23,500 steps.

Reference:
    Radford et al. 2016, Unsupervised Representation Learning with Deep Convolutional
    Generative Adversarial Networks.
"""

from __future__ import annotations

import functools

import keras
from keras import layers

from gan.data.downloads import load_mnist
from gan.latent import LatentGenerator
from gan.recipes.run import Recipe
from gan.variants.non_saturating_gan import NonSaturatingGAN


def make_generator() -> keras.Model:
    """Generator: latents `(batch, 100)` -> pictures `(batch, 28, 28, 1)` in (−1, 1).

    Returns:
        `keras.Model` of 2,330,944 parameters, 2,305,472 of them trainable.
    """

    def up(filters, strides, **options):
        options = {"padding": "same", "use_bias": False, **options}
        return layers.Conv2DTranspose(filters, 5, strides, **options)

    def normalize():
        return [layers.BatchNormalization(), layers.LeakyReLU(0.3)]

    return keras.Sequential(
        [
            keras.Input((100,)),
            layers.Dense(7 * 7 * 256, use_bias=False),
            *normalize(),
            layers.Reshape((7, 7, 256)),
            up(128, 1),
            *normalize(),
            up(64, 2),
            *normalize(),
            up(1, 2, activation="tanh"),
        ],
        name="generator",
    )


def make_discriminator() -> keras.Model:
    """Discriminator: pictures `(batch, 28, 28, 1)` -> logits `(batch, 1)`.

    Returns:
        `keras.Model` of 212,865 parameters.
    """

    def down(filters):
        convolution = layers.Conv2D(filters, 5, 2, padding="same")
        return [convolution, layers.LeakyReLU(0.3), layers.Dropout(0.3)]

    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *down(64),
            *down(128),
            layers.Flatten(),
            layers.Dense(1),
        ],
        name="discriminator",
    )


RECIPE = Recipe(
    read=functools.partial(load_mnist, labelled=False),
    networks=lambda _: (make_generator(), make_discriminator(), LatentGenerator(100)),
    model=NonSaturatingGAN,
    examples=lambda digits: 2 * digits.floats() - 1,
    options={
        "batch_size": 256,
        "disc_iter": 1,
        "learning_rate": 1e-4,
        "beta_1": 0.9,
        "beta_2": 0.999,
    },
    epochs=100,
    every=15,
)
