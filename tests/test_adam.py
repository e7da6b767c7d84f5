import keras
import numpy as np
import pytest

from gan.training.adam import Adam
from gan.training.schedules import LinearDecay

SHAPES = [(3, 2), (2,), ()]


@pytest.mark.parametrize("rate", [0.01, LinearDecay(0.01, 20, 0.1)])
def test_equals_the_adam_of_keras(rate):
    rng = np.random.default_rng(0)
    start = [np.float32(rng.normal(size=shape)) for shape in SHAPES]
    weights = [[keras.Variable(value) for value in start] for _ in range(2)]
    ours, theirs = Adam(rate, 0.3, 0.9), keras.optimizers.Adam(rate, 0.3, 0.9)
    ours.build(weights[0])
    for _ in range(12):
        gradients = [keras.ops.convert_to_tensor(rng.normal(size=s)) for s in SHAPES]
        gradients = [keras.ops.cast(g, "float32") for g in gradients]
        ours.apply(gradients, weights[0])
        theirs.apply(gradients, weights[1])
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    assert ours.iterations == theirs.iterations == 12


def test_equals_the_adam_of_keras_where_weights_are_frozen_for_a_while():
    rng = np.random.default_rng(0)
    start = [np.float32(rng.normal(size=shape)) for shape in SHAPES]
    weights = [[keras.Variable(value) for value in start] for _ in range(2)]
    optimizers = [Adam(0.01, 0.3, 0.9), keras.optimizers.Adam(0.01, 0.3, 0.9)]
    for optimizer, own in zip(optimizers, weights, strict=True):
        optimizer.build(own)
    for moving in ([0, 1, 2], [1], [2, 0], [0, 1, 2]):
        gradients = [np.float32(rng.normal(size=SHAPES[i])) for i in moving]
        gradients = [keras.ops.convert_to_tensor(g) for g in gradients]
        for optimizer, own in zip(optimizers, weights, strict=True):
            optimizer.apply(gradients, [own[i] for i in moving])
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_survives_its_config():
    twin = keras.optimizers.deserialize(keras.optimizers.serialize(Adam(0.1, 0.2, 0.3)))
    assert isinstance(twin, Adam)
    assert twin.beta_1 == 0.2 and twin.beta_2 == 0.3
    np.testing.assert_allclose(twin.learning_rate, 0.1)
