import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import gan
from gan.training import layers as fast_layers

FAST = (fast_layers.Conv2D, fast_layers.MaxPooling2D, fast_layers.UpSampling2D)


def assert_close(values, expected, tolerance=2e-5):
    """Equal within `tolerance` of the largest value of each array."""
    for value, wanted in zip(values, expected, strict=True):
        scale = np.abs(wanted).max()
        np.testing.assert_allclose(value, wanted, rtol=0, atol=tolerance * scale)


def plain_layer(layer):
    """Keras's own layer in place of ours, for `clone_model`."""
    kind = getattr(layers, type(layer).__name__)
    return kind.from_config(layer.get_config())


def plain_copy(network):
    copy = keras.models.clone_model(network, clone_function=plain_layer)
    copy.set_weights(network.get_weights())
    assert not any(isinstance(layer, FAST) for layer in copy.layers)
    return copy


def derivatives(network, x, v):
    """Output, both gradients, and what a gradient penalty differentiates."""
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
    return model


def conv(filters=5, size=3, **options):
    return fast_layers.Conv2D(filters, size, **{"padding": "same", **options})


def ops(function):
    graph = tf.function(function).get_concrete_function().graph
    return {op.type for op in graph.get_operations()}


SHAPES = [(2, 2, 3), (4, 4, 3), (2, 4, 1), (4, 2, 6), (8, 8, 2), (3, 3, 2), (1, 1, 2)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("doubled", [False, True])
@pytest.mark.parametrize("rows", [1, 7])
def test_convolutions_are_keras_s(shape, doubled, rows):
    parts = [fast_layers.UpSampling2D()] * doubled + [conv()]
    assert_same(network(shape, *parts), random(rows, *shape))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("doubled", [False, True])
def test_shortcuts_are_exact_but_for_rounding(shape, doubled):
    options = {"dtype": "float64"}
    up = [fast_layers.UpSampling2D(**options)] * doubled
    model = network(shape, *up, conv(**options), **options)
    assert_same(model, random(3, *shape, **options), 1e-12)


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("doubled", [False, True])
def test_shortcuts_are_taken(size, doubled):
    parts = [fast_layers.UpSampling2D()] * doubled + [conv()]
    start = size // 2 if doubled else size
    model = network((start, start, 3), *parts)
    used = ops(lambda: model(random(2, start, start, 3)))
    assert "BatchMatMulV2" in used and "Conv2D" not in used


@pytest.mark.parametrize(
    "options",
    [
        {"padding": "valid"},
        {"strides": 2},
        {"dilation_rate": 2},
        {"size": (3, 1)},
        {"size": 5},
        {"use_bias": False},
        {"activation": "tanh"},
        {"groups": 2, "filters": 4},
    ],
)
@pytest.mark.parametrize("doubled", [False, True])
def test_every_option_of_a_convolution(options, doubled):
    parts = [fast_layers.UpSampling2D()] * doubled + [conv(**options)]
    assert_same(network((4, 4, 2), *parts), random(3, 4, 4, 2))


@pytest.mark.parametrize(
    "options", [{"interpolation": "bilinear"}, {"size": (2, 1)}, {"size": 3}]
)
def test_only_doubled_pixels_are_skipped(options):
    model = network((2, 2, 3), fast_layers.UpSampling2D(**options), conv())
    x = random(3, 2, 2, 3)
    assert_close([model(x)], [plain_copy(model)(x)])


def test_maps_of_unknown_size():
    model = network((None, None, 2), fast_layers.UpSampling2D(), conv())
    plain = plain_copy(model)
    x = random(3, 2, 2, 2)
    assert_close([model(x)], [plain(x)])


def test_half_precision_is_keras_s():
    options = {"dtype": "bfloat16"}
    model = network((4, 4, 2), conv(**options), **options)
    x = tf.cast(random(3, 4, 4, 2), "bfloat16")
    np.testing.assert_array_equal(model(x), plain_copy(model)(x))


# -- pooling -------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(4, 6, 2), (5, 3, 2)])
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
    assert_same(network(shape, fast_layers.MaxPooling2D(**options)), x, 1e-6)


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

    slow = "MaxPoolGradGrad"
    assert slow in ops(lambda: penalty_slope(layers.MaxPooling2D()))
    assert slow not in ops(lambda: penalty_slope(fast_layers.MaxPooling2D()))


# -- the networks for faces ----------------------------------------------------------


@pytest.fixture(scope="module")
def networks():
    keras.utils.set_random_seed(0)
    return gan.convolutional_GenDiscr()


def inputs_of(model, rows=6):
    return random(rows, *model.input_shape[1:])


RUNS = [
    pytest.param(lambda f: f, id="eager"),
    pytest.param(tf.function, id="graph"),
    pytest.param(
        lambda f: tf.function(f, jit_compile=True), id="xla", marks=pytest.mark.slow
    ),
]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("run", RUNS)
def test_derivatives_of_the_networks(networks, which, run):
    assert_same(networks[which], inputs_of(networks[which]), run=run)


@pytest.mark.parametrize("which", [0, 1])
def test_files_fit_both_ways(networks, which, tmp_path):
    ours = networks[which]
    x = inputs_of(ours)
    for kind in (".weights.h5", ".keras"):
        path = tmp_path / f"network{kind}"
        for writer, reader in ((ours, plain_copy(ours)), (plain_copy(ours), ours)):
            writer.save(path) if kind == ".keras" else writer.save_weights(path)
            blank = keras.models.clone_model(reader)
            blank.load_weights(path)
            for read, written in zip(blank.weights, writer.weights, strict=True):
                np.testing.assert_array_equal(read, written)
            assert_close([blank(x)], [writer(x)])


@pytest.mark.parametrize("which", [0, 1])
def test_saved_and_cloned_networks_stay_fast(networks, which, tmp_path):
    ours = networks[which]
    ours.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    cloned = keras.models.clone_model(ours)
    cloned.set_weights(ours.get_weights())
    x = inputs_of(ours)
    for copy in (loaded, cloned):
        for layer, original in zip(copy.layers, ours.layers, strict=True):
            assert type(layer) is type(original) and layer.name == original.name
        np.testing.assert_array_equal(copy(x), ours(x))


@pytest.mark.slow
@pytest.mark.parametrize("eagerly", [False, True])
def test_training_is_the_plain_networks_training(networks, eagerly):
    def trained(clone):
        parts = [clone(network) for network in networks]
        # Adam would turn the sign of a gradient near zero into a whole step.
        sgd = {
            f"{name}_optimizer": keras.optimizers.SGD(0.01)
            for name in ("generator", "discriminator")
        }
        latents = gan.latent.LatentGenerator(16)
        real = random(32, 16, 16, 1)
        model = gan.WGAN_GP(*parts, latents, real, 8, seed=1, **sgd)
        model.compile(run_eagerly=eagerly)
        logs = model.fit(epochs=1, steps_per_epoch=3, verbose=0).history
        values = [np.array(value) for value in logs.values()]
        weights = [*parts[0].get_weights(), *parts[1].get_weights()]
        return np.concatenate([np.ravel(value) for value in values + weights])

    def copied(network):
        copy = keras.models.clone_model(network)
        copy.set_weights(network.get_weights())
        return copy

    before = [w for network in networks for w in network.get_weights()]
    before = np.concatenate([np.ravel(w) for w in before])
    ours, plain = trained(copied), trained(plain_copy)
    assert np.abs(ours[-before.size :] - before).max() > 0.01
    np.testing.assert_allclose(ours, plain, rtol=0, atol=1e-5)
