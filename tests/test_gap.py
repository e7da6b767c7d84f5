"""The projection gap: between training pictures and held-out ones."""

import keras
import numpy as np
import pytest
from conftest import refused
from keras import layers
from test_project import linear

import gan
from gan.generators.gap import Gap, projection_gap


@pytest.fixture(scope="module")
def generator():
    return linear()[0]


def test_the_gap_is_that_of_the_errors_and_its_interval_welchs(generator):
    noise = np.random.default_rng(0).normal(0, 1, (2, 30, 8, 8)).astype("float32")
    pictures = generator.draw(60, seed=3).reshape(2, 30, 8, 8)
    near, far = (pictures + [[[[0.01]]], [[[0.1]]]] * noise).clip(0, 1)
    gap = projection_gap(generator, near, far, count=30)
    errors = [generator.project(some).error for some in (near, far)]
    means = [error.mean() for error in errors]
    half = 1.96 * np.sqrt(sum(error.var(ddof=1) / 30 for error in errors))
    np.testing.assert_allclose([gap.trained, gap.withheld], means, rtol=1e-3)
    apart = means[1] - means[0]
    np.testing.assert_allclose([gap.low, gap.high], [apart - half, apart + half], 1e-2)
    assert gap.copies and "for held-out ones" in str(gap)


def test_what_counts_as_copying():
    # The first difference is small, and the second may be due to chance.
    assert not Gap(0.1, 0.11, 0.005, 0.015).copies
    assert not Gap(0.1, 0.2, -0.01, 0.21).copies
    assert Gap(0.1, 0.2, 0.05, 0.15).copies


def test_too_few_pictures_are_refused(generator):
    pictures = generator.draw(10)
    with refused("withheld"):
        projection_gap(generator, pictures, pictures[:7])
    with refused("trained"):
        projection_gap(generator, pictures[:7], pictures)
    with refused("count"):
        projection_gap(generator, pictures, pictures, count=1)


def test_diagnose_names_what_is_learnt_by_heart():
    """The generator draws its training pictures and nothing else."""
    generator, _ = linear()
    real = generator.draw(generator.latents(64, seed=9)).clip(0, 1)
    picture = keras.Input((8, 8, 1))
    critic = keras.Model(picture, layers.Dense(1)(layers.Flatten()(picture)))
    parts = generator.network, critic, generator.latent_generator, real
    model = gan.R3GAN(*parts, batch_size=16, seed=0, pixel_range=(0, 1))
    others = np.random.default_rng(0).normal(0, 0.05, real.shape).astype("float32")
    found = gan.diagnose(model, 64, withheld=(real + others).clip(0, 1))
    assert "learnt by heart" in [finding.name for finding in found], found
    again = gan.diagnose(model, 64, withheld=real)
    assert "learnt by heart" not in [finding.name for finding in again]
    assert "learnt by heart" in again.checked
    assert "learnt by heart" in gan.diagnose(model, 64).not_made
