"""Tiny networks that every test may use, and the real data where they are."""

import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")

import numpy as np  # noqa: E402 (the settings above must come first)
import pytest  # noqa: E402

DATA = pathlib.Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture
def shared():
    """Path of a file of the shared data; skips, saying why, where it is absent."""

    def find(name):
        if not (DATA / name).is_file():
            pytest.skip(f"shared data file {name} is not on this machine")
        return DATA / name

    return find


@pytest.fixture
def vectors():
    """Factory of a model on a small cloud of 2-vectors."""
    import keras

    import gan

    def make(cls=None, seed=0, rows=64, **options):
        keras.utils.set_random_seed(seed)
        real = np.random.default_rng(0).normal(0.5, 0.1, (rows, 2)).astype("float32")
        parts = gan.fully_connected_GenDiscr([2, 4, 2], real)
        options = {"batch_size": 8, **options}
        model = (cls or gan.WGAN_GP)(*parts, real, **options)
        model.compile()
        return model

    return make


@pytest.fixture
def pictures():
    """Factory of a model on tiny 4×4 pictures, with batch norm and dropout."""
    import keras
    from keras import layers

    import gan

    def make(cls=None, seed=0, real=None, **options):
        keras.utils.set_random_seed(seed)
        generator = keras.Sequential(
            [
                keras.Input((3,)),
                layers.Dense(4),
                layers.Reshape((2, 2, 1)),
                layers.UpSampling2D(),
                layers.Conv2D(1, 3, padding="same"),
                layers.BatchNormalization(),
                layers.Activation("tanh"),
            ],
            name="generator",
        )
        discriminator = keras.Sequential(
            [
                keras.Input((4, 4, 1)),
                layers.Conv2D(2, 3, padding="same"),
                layers.MaxPooling2D(),
                layers.Dropout(0.25),
                layers.Flatten(),
                layers.Dense(1, activation="tanh"),
            ],
            name="discriminator",
        )
        if real is None:
            real = np.random.default_rng(0).random((32, 4, 4), "float32")
        model = (cls or gan.WGAN_GP)(
            generator,
            discriminator,
            gan.latent.LatentGenerator(3),
            real,
            **{"batch_size": 8, **options},
        )
        model.compile()
        return model

    return make
