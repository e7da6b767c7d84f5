"""One step of networks in mixed precision, as they are trained on GPUs, on the CPU."""

import keras
import numpy as np
import pytest
from conftest import slow_but_first

import gan

CLASSES = [gan.WGAN_GP, gan.R3GAN, gan.NonSaturatingGAN, gan.WGAN_clip]


@pytest.fixture
def networks():
    """A function that makes networks under a dtype policy."""

    def make(policy, make_networks):
        keras.utils.set_random_seed(0)
        keras.config.set_dtype_policy(policy)
        try:
            return make_networks()
        finally:
            keras.config.set_dtype_policy("float32")

    return make


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("cls", slow_but_first(*CLASSES, single=True))
def test_a_step_on_pictures(cls, policy, networks):
    parts = networks(policy, lambda: gan.residual_GenDiscr((8, 8, 3), 4, 4))
    real = np.random.default_rng(0).random((20, 8, 8, 3), "float32")
    options = {}
    if policy == "mixed_float16":
        # Small slopes vanish in float16 unless the loss is scaled, as in Keras's guide.
        for name in ("generator_optimizer", "discriminator_optimizer"):
            adam = keras.optimizers.Adam(1e-2)
            scaled = keras.optimizers.LossScaleOptimizer(adam, initial_scale=1024.0)
            options[name] = scaled
    kinds = {layer.compute_dtype for network in parts[:2] for layer in network.layers}
    assert policy.removeprefix("mixed_") in kinds
    model = cls(*parts, real, batch_size=10, disc_iter=1, **options)
    model.compile(run_eagerly=True)
    if cls is gan.R3GAN:
        # Blocks begin as the identity: their first convolutions change a step later.
        model.fit(epochs=1, steps_per_epoch=1, verbose=0)
    assert moves_some(model)
    fakes = model.generate(4)
    assert fakes.dtype == "float32" and np.isfinite(fakes).all()
    weights = model.generator.weights + model.discriminator.weights
    assert {weight.dtype for weight in weights} == {"float32"}


def moves_some(model):
    """Whether a step changes weights of both networks, and its logs are finite."""
    networks = model.generator, model.discriminator
    before = [network.get_weights() for network in networks]
    logs = model.fit(epochs=1, steps_per_epoch=1, verbose=0).history
    assert np.isfinite([*logs.values()]).all()
    return all(
        any((a != b).any() for a, b in zip(old, new.get_weights(), strict=True))
        for old, new in zip(before, networks, strict=True)
    )


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_dense_networks_end_in_float32(policy, networks):
    make = lambda: gan.fully_connected_GenDiscr([2, 4, 2], None)  # noqa: E731
    for network in networks(policy, make)[:2]:
        assert network.outputs[0].dtype == "float32"


def test_a_strided_pair_with_classes_ends_in_float32(networks):
    def make():
        return gan.strided_GenDiscr((8, 8, 3), 4, 4, classes=2)

    for network in networks("mixed_bfloat16", make)[:2]:
        assert network.outputs[0].dtype == "float32"
