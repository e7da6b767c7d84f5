import keras
import numpy as np
import pytest
from conftest import refused
from test_base import state

import gan


def two_classes(**options):
    """A model of points, with optimizers and a regulariser as in the recipe lfw."""
    keras.utils.set_random_seed(0)
    real = np.random.default_rng(0).normal(0.5, 0.1, (64, 2))
    generator, _, latent = gan.fully_connected_GenDiscr([2, 4, 2], real)
    discriminator = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(8, "tanh"),
            keras.layers.Dense(2, "log_softmax", kernel_regularizer=_mean_square(16)),
        ]
    )
    rates = {
        "generator_optimizer": keras.optimizers.Adam(1e-2),
        "discriminator_optimizer": keras.optimizers.SGD(0.1, momentum=0.5),
    }
    parts = generator, discriminator, latent, real
    model = gan.TwoClassGAN(*parts, batch_size=8, **{**rates, **options})
    model.compile()
    return model


def _mean_square(size):
    return keras.regularizers.L2(1 / size)


def test_logged_losses_are_those_of_the_log_probabilities():
    model, twin = two_classes(disc_iter=1), two_classes(disc_iter=1)
    logs = model.train_step(None)
    real, fake = twin.get_real_sample(), twin.get_fake_sample(training=True)
    real, fake = np.array(twin.discriminator(real)), np.array(twin.discriminator(fake))
    np.testing.assert_allclose(np.exp(real).sum(1), 1, rtol=1e-6)
    expected = -np.mean(real[:, 1] + fake[:, 0])
    np.testing.assert_allclose(logs["discr_loss"], expected, rtol=1e-5)
    z = twin.get_fake_sample(training=True)
    said = np.array(model.discriminator(z))
    np.testing.assert_allclose(logs["gen_loss"], -said[:, 1].mean(), rtol=1e-5)


@pytest.mark.slow
def test_it_goes_on_from_a_file_with_momentum_and_regulariser(tmp_path):
    model = two_classes()
    model.train_step(None)
    model.save(tmp_path / "half.keras")
    other = gan.load_model(tmp_path / "half.keras")
    assert type(other.discriminator.optimizer) is keras.optimizers.SGD
    assert type(other.generator.optimizer) is keras.optimizers.Adam
    other.real_examples = model.real_examples
    for one in (model, other):
        one.train_step(None)
    for a, b in zip(state(model), state(other), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("outputs", [1, 3])
def test_other_numbers_of_classes_are_refused(outputs):
    generator, _, latent = gan.fully_connected_GenDiscr([2, 4, 2], np.zeros((9, 2)))
    layers = [keras.Input((2,)), keras.layers.Dense(outputs)]
    with refused("discriminator"):
        gan.TwoClassGAN(generator, keras.Sequential(layers), latent)
    with refused("discriminator"):
        gan.TwoClassGAN(generator, "net", latent)
