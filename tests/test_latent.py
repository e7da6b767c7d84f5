import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import refused
from scipy import stats

import gan
from gan.latent import LatentGenerator

SAMPLERS = [gan.normal_generator, gan.uniform_generator, gan.spheric_generator]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_shape_and_repeatability(sampler):
    tf.random.set_seed(0)
    first = sampler(5, 3)
    tf.random.set_seed(0)
    again = sampler(5, 3)
    assert first.shape == (5, 3) and first.dtype == tf.float32
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(again, sampler(5, 3))


def test_distributions():
    tf.random.set_seed(0)
    normal = gan.normal_generator(4000, 1).numpy()[:, 0]
    uniform = gan.uniform_generator(4000, 1).numpy()[:, 0]
    symmetric = gan.latent.symmetric_generator(4000, 1).numpy()[:, 0]
    spheric = gan.spheric_generator(4000, 2).numpy()
    assert stats.kstest(normal, "norm").pvalue > 1e-3
    assert stats.kstest(uniform, "uniform").pvalue > 1e-3
    assert stats.kstest((symmetric + 1) / 2, "uniform").pvalue > 1e-3
    np.testing.assert_allclose(np.linalg.norm(spheric, axis=1), 1, rtol=1e-4)
    angle = np.arctan2(*spheric.T) / (2 * np.pi) + 0.5
    assert stats.kstest(angle, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("latent_type", ["normal", "uniform", "symmetric", "spheric"])
def test_callable_survives_its_config_and_equals_the_function(latent_type):
    latent = LatentGenerator(3, latent_type)
    config = keras.saving.serialize_keras_object(latent)
    twin = keras.saving.deserialize_keras_object(config)
    tf.random.set_seed(1)
    by_callable = twin(4)
    tf.random.set_seed(1)
    by_function = getattr(gan, f"{latent_type}_generator")(4, 3)
    np.testing.assert_array_equal(by_callable, by_function)


@pytest.mark.parametrize(
    "call, argument",
    [
        (lambda: LatentGenerator(2, "cubic"), "latent_type"),
        (lambda: LatentGenerator(2, ["normal"]), "latent_type"),
        (lambda: LatentGenerator(0), "dim"),
        (lambda: gan.normal_generator(-1, 2), "nb_points"),
        (lambda: gan.uniform_generator(3, 1.5), "dim"),
    ],
)
def test_bad_input(call, argument):
    with refused(argument):
        call()
