import contextlib
import re
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import slow_but_first
from keras import layers

import gan
from gan.training import fit
from gan.training.layers import accelerated

_kept = []


def accelerate(network):
    """Accelerate a network until the tests end."""
    _kept.append(accelerated(network))
    _kept[-1].__enter__()


def assert_close(values, expected, tolerance=2e-5):
    """Equal within `tolerance` of the largest value of each array."""
    for value, wanted in zip(values, expected, strict=True):
        scale = np.abs(wanted).max()
        np.testing.assert_allclose(value, wanted, rtol=0, atol=tolerance * scale)


def plain_copy(network):
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    return copy


def derivatives(network, x, v):
    """The output, the gradients, and the gradients of a gradient penalty."""
    x, v = tf.constant(x), tf.constant(v)
    weights = network.trainable_weights
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = network(x)
            value = tf.reduce_sum(tf.tanh(y) * v)
        slope = tape.gradient(value, x)
        penalty = tf.reduce_sum(tf.square(slope))
    first = tape.gradient(value, weights)
    none = tf.UnconnectedGradients.ZERO
    second = outer.gradient(penalty, [x, *weights], unconnected_gradients=none)
    return [y, slope, *first, *second]


def assert_same(network, x, tolerance=2e-5, run=lambda f: f):
    plain = plain_copy(network)
    v = np.random.default_rng(1).normal(size=(len(x), *network.output_shape[1:]))
    v = v.astype(x.dtype)
    ours = run(lambda: derivatives(network, x, v))()
    theirs = [t.numpy() for t in derivatives(plain, x, v)]
    assert_close([t.numpy() for t in ours], theirs, tolerance)


def random(*shape, dtype="float32"):
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


def network(shape, *parts, dtype="float32"):
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input(shape, dtype=dtype)
    for part in parts:
        x = part(x)
    model = keras.Model(inputs, x)
    if model.weights:  # Keras starts biases at zero, which would hide them.
        model.weights[-1].assign(random(*model.weights[-1].shape))
    accelerate(model)
    return model


def conv(filters=5, size=3, **options):
    return layers.Conv2D(filters, size, **{"padding": "same", **options})


def ops(function):
    graph = tf.function(function).get_concrete_function().graph
    return {op.type for op in graph.get_operations()}


SHAPES = [(2, 2, 3), (4, 4, 3), (2, 4, 1), (4, 2, 6), (8, 8, 2), (3, 3, 2), (1, 1, 2)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rows", [1, 7])
def test_convolutions_are_keras_s(shape, rows):
    assert_same(network(shape, conv()), random(rows, *shape))


@pytest.mark.parametrize("shape", SHAPES)
def test_shortcuts_are_exact_but_for_rounding(shape):
    options = {"dtype": "float64"}
    model = network(shape, conv(**options), **options)
    assert_same(model, random(3, *shape, **options), 1e-12)


@pytest.mark.parametrize("shape", [(1, 1, 2), (2, 2, 3), (2, 4, 2), (4, 4, 2)])
@pytest.mark.parametrize("options", [{}, {"size": 3}, {"size": (2, 1)}])
def test_doubled_maps_are_keras_s(shape, options):
    parts = (layers.UpSampling2D(dtype="float64", **options), conv(dtype="float64"))
    model = network(shape, *parts, dtype="float64")
    assert_same(model, random(3, *shape, dtype="float64"), 1e-12)


def test_doubled_maps_take_fewer_products():
    model = network((2, 2, 3), layers.UpSampling2D(), conv())
    x = tf.constant(random(2, 2, 2, 3))
    graph = tf.function(lambda: model(x)).get_concrete_function().graph
    (product,) = (op for op in graph.get_operations() if op.type == "BatchMatMulV2")
    assert product.inputs[0].shape[0] == 16


@pytest.mark.parametrize("size", [2, 4])
def test_shortcuts_are_taken(size):
    model = network((size, size, 3), conv())
    used = ops(lambda: model(random(2, size, size, 3)))
    assert "BatchMatMulV2" in used and "Conv2D" not in used


@pytest.mark.parametrize(
    "options",
    slow_but_first(
        {"padding": "valid"},
        {"strides": 2},
        {"dilation_rate": 2},
        {"size": (3, 1)},
        {"size": 5},
        {"use_bias": False},
        {"activation": "tanh"},
        {"groups": 2, "filters": 4},
        single=True,
    ),
)
def test_every_option_of_a_convolution(options):
    assert_same(network((4, 4, 2), conv(**options)), random(3, 4, 4, 2))


def test_maps_of_unknown_size():
    model = network((None, None, 2), layers.UpSampling2D(), conv())
    plain = plain_copy(model)
    x = random(3, 2, 2, 2)
    assert_close([model(x)], [plain(x)])


def test_half_precision_is_keras_s():
    options = {"dtype": "bfloat16"}
    model = network((4, 4, 2), conv(**options), **options)
    x = tf.cast(random(3, 4, 4, 2), "bfloat16")
    np.testing.assert_array_equal(model(x), plain_copy(model)(x))


# -- pooling -------------------------------------------------------------------------


@pytest.mark.parametrize("shape", slow_but_first((4, 6, 2), (5, 3, 2), single=True))
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"pool_size": (2, 1)},
        {"pool_size": 3},
        {"strides": 1},
        {"padding": "same"},
    ],
)
@pytest.mark.parametrize("ties", [False, True])
def test_pooling_is_keras_s(shape, options, ties):
    x = random(4, *shape)
    x = np.round(x) if ties else x
    assert_same(network(shape, layers.MaxPooling2D(**options)), x, 1e-6)


def test_second_derivative_takes_the_fast_way():
    def penalty_slope(layer):
        x = tf.constant(random(2, 4, 4, 1))
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x) ** 2
            slope = tf.reduce_sum(tape.gradient(y, x) ** 2)
        return outer.gradient(slope, x)

    slow, fast = layers.MaxPooling2D(), network((4, 4, 1), layers.MaxPooling2D())
    assert "MaxPoolGradGrad" in ops(lambda: penalty_slope(slow))
    assert "MaxPoolGradGrad" not in ops(lambda: penalty_slope(fast))


# -- the networks for faces ----------------------------------------------------------


@pytest.fixture(scope="module")
def networks():
    keras.utils.set_random_seed(0)
    both = gan.convolutional_GenDiscr()
    for one in both:
        accelerate(one)
        accelerate(one)
    return both


def inputs_of(model, rows=6):
    return random(rows, *model.input_shape[1:])


RUNS = [
    pytest.param(lambda f: f, id="eager"),
    pytest.param(tf.function, id="graph"),
    pytest.param(
        lambda f: tf.function(f, jit_compile=True), id="xla", marks=pytest.mark.slow
    ),
]


@pytest.mark.parametrize("which", slow_but_first(0, 1, single=True))
@pytest.mark.parametrize("run", slow_but_first(*RUNS, single=True))
def test_derivatives_of_the_networks(networks, which, run):
    assert_same(networks[which], inputs_of(networks[which]), run=run)


@pytest.mark.parametrize("which", [0, 1])
def test_what_is_saved_is_keras_s(networks, which, tmp_path):
    """A saved network can be opened without this library."""
    ours = networks[which]
    ours.save(tmp_path / "network.keras")
    with zipfile.ZipFile(tmp_path / "network.keras") as archive:
        assert "gan" not in re.findall(r"\w+", archive.read("config.json").decode())
    loaded = keras.models.load_model(tmp_path / "network.keras")
    x = inputs_of(ours)
    for copy in (loaded, plain_copy(ours)):
        for layer, original in zip(copy.layers, ours.layers, strict=True):
            assert type(layer) is type(original) and layer.name == original.name
        assert_close([copy(x)], [ours(x)])


@pytest.mark.slow
@pytest.mark.parametrize("eagerly", [False, True])
def test_training_is_the_plain_networks_training(networks, eagerly, monkeypatch):
    def trained(fast):
        parts = [plain_copy(network) for network in networks]
        # Adam would turn the sign of a gradient near zero into a whole step.
        sgd = {
            f"{name}_optimizer": keras.optimizers.SGD(0.01)
            for name in ("generator", "discriminator")
        }
        latents = gan.latent.LatentGenerator(16)
        real = np.tanh(random(32, 16, 16, 1))
        if not fast:
            monkeypatch.setattr(fit, "accelerated", lambda *_: contextlib.nullcontext())
        model = gan.WGAN_GP(*parts, latents, real, 8, seed=1, **sgd)
        model.compile(run_eagerly=eagerly)
        logs = model.fit(epochs=1, steps_per_epoch=3, verbose=0).history
        values = [np.array(value) for value in logs.values()]
        weights = [*parts[0].get_weights(), *parts[1].get_weights()]
        return np.concatenate([np.ravel(value) for value in values + weights])

    before = [w for network in networks for w in network.get_weights()]
    before = np.concatenate([np.ravel(w) for w in before])
    ours, plain = trained(True), trained(False)
    assert np.abs(ours[-before.size :] - before).max() > 0.01
    np.testing.assert_allclose(ours, plain, rtol=0, atol=1e-3)


def settings(network):
    return [{**vars(layer)} for layer in network.layers]


def test_layers_are_changed_only_while_steps_run(networks):
    """Outside of steps, the layers that a user sees and calls are Keras's own."""
    parts = [plain_copy(network) for network in networks]
    before = [settings(network) for network in parts]
    latents, real = gan.latent.LatentGenerator(16), np.tanh(random(32, 16, 16, 1))
    model = gan.WGAN_GP(*parts, latents, real, 8, disc_iter=1, seed=1)
    model.compile(run_eagerly=True)
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append([{*vars(layer)} for layer in self.model.generator.layers])

    class Spy(layers.Layer):
        def call(self, x, training=False):
            seen.append([{*vars(layer)} for layer in model.generator.layers])
            return x

    model.augment = Spy()
    seen.clear()
    model.fit(epochs=1, steps_per_epoch=1, verbose=0, callbacks=[Watch()])
    *within, after = seen
    usual = [{*values} for values in before[0]]
    assert all(names != usual for names in within) and within
    assert after == usual
    for network, values in zip(parts, before, strict=True):
        for layer, old in zip(network.layers, values, strict=True):
            assert vars(layer).keys() == old.keys()
    x = inputs_of(parts[0])
    np.testing.assert_array_equal(parts[0](x), plain_copy(parts[0])(x))
