"""AC-GAN on MNIST: digits of a class that you ask for.

It uses latents uniform in [−1, 1)^100, pictures in [−1, 1], batches of 100 and
Adam(2e-4, .5) for both networks. The target probability of real pictures is .95. The
discriminator's auxiliary loss is computed on real pictures only, with weight 2. An
update of the generator uses 200 latents.

It was trained for 20 epochs on 10,000 digits (`python main.py train --recipe
mnist_acgan --output run --pictures mnist_10k.npz --seed S`, 42 minutes on one core). A
classifier with an accuracy of 97.5% on held-out digits (`tests/benchmarks/digits.py`)
then classified 5,000 fakes. An entropy of 2.303 nats means that all classes are equally
frequent:

    seed  has the class asked for  worst class  entropy  kernel distance · 10³
       0                    0.999        0.994    2.303           12.28 ± 0.38
       1                    0.996        0.984    2.303            8.40 ± 0.33
       2                    0.999        0.996    2.303            7.57 ± 0.32

The kernel distance of two halves of the reals is (0.01 ± 0.05) · 10⁻³.

Reference:
    Odena et al. 2017, Conditional Image Synthesis with Auxiliary Classifier GANs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
from keras import layers

from gan import plots
from gan.data.downloads import load_mnist
from gan.errors import StrPath, require
from gan.latent import LatentGenerator
from gan.recipes.run import Recipe
from gan.variants.ac_gan import AC_GAN

if TYPE_CHECKING:
    from gan.data.kept import KeptFile
    from gan.data.pictures import Pictures


def make_generator() -> keras.Model:
    """Generator: latents `(batch, 100)` and classes `(batch,)` -> pictures.

    The latents are multiplied, number by number, with a vector learnt for the class.

    Returns:
        `keras.Model` with pictures `(batch, 28, 28, 1)` in (−1, 1), of 2,657,897
        parameters, 2,657,321 of them trainable.
    """
    options = {"kernel_initializer": "glorot_normal"}
    latents = keras.Input((100,), name="latents")
    labels = keras.Input((), dtype="int32", name="labels")
    embedding = layers.Embedding(10, 100, embeddings_initializer="glorot_normal")
    x = layers.Multiply()([latents, embedding(labels)])
    x = layers.Dense(3 * 3 * 384, activation="relu")(x)
    x = layers.Reshape((3, 3, 384))(x)
    x = layers.Conv2DTranspose(192, 5, activation="relu", **options)(x)
    x = layers.BatchNormalization()(x)
    options["padding"] = "same"
    x = layers.Conv2DTranspose(96, 5, 2, activation="relu", **options)(x)
    x = layers.BatchNormalization()(x)
    x = layers.Conv2DTranspose(1, 5, 2, activation="tanh", **options)(x)
    return keras.Model([latents, labels], x, name="generator")


def make_discriminator() -> keras.Model:
    """Discriminator: pictures `(batch, 28, 28, 1)` -> two outputs for each.

    Returns:
        `keras.Model` of 525,835 parameters with outputs "generation" `(batch, 1)`,
        the probability of being real, and "auxiliary" `(batch, 10)`, those of the
        classes.
    """
    pictures = x = keras.Input((28, 28, 1))
    for filters, strides in ((32, 2), (64, 1), (128, 2), (256, 1)):
        x = layers.Conv2D(filters, 3, strides, padding="same")(x)
        x = layers.LeakyReLU(0.2)(x)
        x = layers.Dropout(0.3)(x)
    x = layers.Flatten()(x)
    generation = layers.Dense(1, activation="sigmoid", name="generation")(x)
    auxiliary = layers.Dense(10, activation="softmax", name="auxiliary")(x)
    return keras.Model(pictures, [generation, auxiliary], name="discriminator")


def read_digits(path: StrPath | None, kept: KeptFile | None = None) -> Pictures:
    """Read digits by `load_mnist`; expect that they have labels."""
    digits = load_mnist(path, kept=kept)
    require(
        digits.labels is not None,
        "The argument data (--pictures) must name digits with labels: y_train or y in "
        "a .npz file, or sub-folders 0 to 9.",
        "data",
    )
    return digits


def draw(model: AC_GAN, digits: Pictures, rows: int = 20) -> np.ndarray:
    """Draws fakes left of reals, one column per class, a white column between them.

    Args:
        model: `gan.AC_GAN`.
        digits: `gan.data.pictures.Pictures`, 28×28 in grey and with labels.
        rows: int, digits of each class; the fakes of a row share their latents.

    Returns:
        float32 array `(H, W)` in [0, 1].
    """
    columns, pictures = [], digits.floats()
    for digit in range(10):
        with model.stream.restarted(0):
            fakes, _ = model.get_fake_sample(labels=np.full(rows, digit))
        columns.append(fakes[..., 0] / 2 + 0.5)
    columns.append(np.ones((rows, 28, 28)))
    for digit in range(10):
        reals = pictures[digits.labels == digit][:rows]
        columns.append(np.pad(reals, [(0, rows - len(reals)), (0, 0), (0, 0)]))
    return plots.tile(np.stack(columns, axis=1).reshape(-1, 28, 28), len(columns))


RECIPE = Recipe(
    read=read_digits,
    networks=lambda _: (
        make_generator(),
        make_discriminator(),
        LatentGenerator(100, "symmetric"),
    ),
    model=AC_GAN,
    examples=lambda digits: (2 * digits.floats() - 1, digits.labels),
    options={
        "batch_size": 100,
        "disc_iter": 1,
        "learning_rate": 2e-4,
        "beta_1": 0.5,
        "beta_2": 0.999,
    },
    epochs=20,
    draw=draw,
)
