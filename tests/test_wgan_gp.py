import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import refused, slow_but_first
from scipy import stats

import gan

REAL = np.float32([[0.5], [1.0], [-1.0], [0.0]])
FAKE = np.float32([[0.0], [-1.0], [2.0], [0.5]])


def linear(w):
    """Critic x -> <w, x>."""
    inputs = keras.Input(np.shape(w))
    outputs = keras.layers.Dense(1)(keras.layers.Flatten()(inputs))
    critic = keras.Model(inputs, outputs)
    critic.set_weights([np.reshape(w, (-1, 1)), np.zeros(1)])
    return critic


def linear_model(w, **options):
    keras.utils.set_random_seed(2)
    real = np.random.default_rng(0).random((32, len(w)))
    parts = gan.fully_connected_GenDiscr([2, 4, len(w)], real)
    generator, _, latent = parts
    return gan.WGAN_GP(generator, linear(w), latent, real, 8, 1, **options)


def latents(model):
    with model.stream.sampling():
        return model.latent_generator(model.batch_size)


def weights_of(model):
    return [*model.generator.get_weights(), *model.discriminator.get_weights()]


def assert_equal(arrays, others):
    for a, b in zip(arrays, others, strict=True):
        np.testing.assert_array_equal(a, b)


# -- attributes -----------------------------------------------------------------


def test_defaults_and_the_eighth_positional_argument(vectors):
    model = vectors()
    assert (model.beta_1, model.beta_2) == (0.3, 0.9)
    assert (model.lambda_gp, model.penalty_epsilon) == (10, 1e-12)
    parts = model.generator, model.discriminator, model.latent_generator
    model = gan.WGAN_GP(*parts, model.real_examples, 16, 3, 0.01, 2.5)
    assert (model.batch_size, model.disc_iter, model.learning_rate) == (16, 3, 0.01)
    assert model.lambda_gp == 2.5
    for network in parts[:2]:
        assert (network.optimizer.beta_1, network.optimizer.beta_2) == (0.3, 0.9)
    config = vectors(lambda_gp=3, penalty_epsilon=1e-6).get_config()
    copy = gan.WGAN_GP.from_config(config)
    assert (copy.lambda_gp, copy.penalty_epsilon) == (3, 1e-6)


def test_shape_attributes(vectors, pictures):
    model = vectors()
    assert model.dims == (64, 2) and model.len_dims == 2
    assert_equal([model.axis, model.scal_shape], [[1], [8, 1]])
    model = pictures(batch_size=5)
    assert model.dims == (32, 4, 4, 1) and model.len_dims == 4
    assert_equal([model.axis, model.scal_shape], [[1, 2, 3], [5, 1, 1, 1]])


def test_shape_attributes_without_an_array(vectors):
    model = vectors()
    parts = model.generator, model.discriminator, model.latent_generator
    dataset = tf.data.Dataset.from_tensors(np.zeros((8, 2))).repeat()
    for real in (None, dataset):
        model = gan.WGAN_GP(*parts, real, 8)
        assert model.dims.as_list() == [None, 2] and model.len_dims == 2
        assert_equal([model.axis, model.scal_shape], [[1], [8, 1]])


# -- losses and the penalty -----------------------------------------------------


def test_losses_by_hand(vectors):
    model = vectors()
    loss = model.discriminator.loss(tf.constant(REAL), tf.constant(FAKE))
    np.testing.assert_allclose(loss, 1.5 / 4 - 0.5 / 4, rtol=1e-6)
    loss = model.generator.loss(tf.constant(FAKE))
    np.testing.assert_allclose(loss, -1.5 / 4, rtol=1e-6)


def test_interpolated_points_lie_on_the_segments(pictures):
    model = pictures()
    random = np.random.default_rng(1)
    real, fake = random.random((2, 8, 4, 4, 1), "float32")
    fake += 2
    points = model.get_interpolated_sample(real, fake)
    assert points.shape == (8, 4, 4, 1) and points.dtype == tf.float32
    u = ((points - fake) / (real - fake)).numpy().reshape(8, 16)
    np.testing.assert_allclose(u, u[:, :1] * np.ones(16), atol=1e-5)
    assert u.min() > -1e-6 and u.max() < 1 + 1e-6
    # Each row has a number of its own, and each call has other numbers.
    again = model.get_interpolated_sample(real, fake)
    u_again = ((again - fake) / (real - fake)).numpy().reshape(8, 16)
    assert len(np.unique(np.round([u[:, 0], u_again[:, 0]], 4))) == 16


def test_interpolation_weights_are_uniform(vectors):
    model = vectors()
    points = model.get_interpolated_sample(np.ones((4000, 2)), np.zeros((4000, 2)))
    u = points.numpy()
    np.testing.assert_array_equal(u[:, 0], u[:, 1])
    assert stats.kstest(u[:, 0], "uniform").pvalue > 1e-3
    assert abs(stats.pearsonr(u[:-1, 0], u[1:, 0]).statistic) < 0.06


def test_float64_and_rank_3_pictures_are_interpolated(pictures):
    model, twin = pictures(), pictures()
    real, fake = np.random.default_rng(1).random((2, 8, 4, 4))
    expected = twin.get_interpolated_sample(
        np.float32(real)[..., None], np.float32(fake)[..., None]
    )
    points = model.get_interpolated_sample(
        tf.constant(real), np.float32(fake[..., None])
    )
    assert points.dtype == tf.float32
    np.testing.assert_array_equal(points, expected)


@pytest.mark.parametrize(
    "w",
    slow_but_first([3.0, 4.0], [0.3, 0.4], [-1.0, 0.0], [1.0, -2.0, 2.0], single=True),
)
def test_penalty_of_a_linear_critic(w):
    model = linear_model(w)
    expected = (np.linalg.norm(w) - 1) ** 2
    penalty = model.gradient_penalty(tf.random.normal((5, len(w))))
    np.testing.assert_allclose(penalty, expected, rtol=1e-5, atol=1e-10)
    logs = model.train_step(None)
    np.testing.assert_allclose(logs["gp"], expected, rtol=1e-5, atol=1e-10)


def test_epsilon_stands_inside_the_root():
    model = linear_model([0.0, 0.0], penalty_epsilon=0.25)
    penalty = model.gradient_penalty(tf.ones((3, 2)))
    np.testing.assert_allclose(penalty, (0.5 - 1) ** 2, rtol=1e-6)
    model.penalty_epsilon = 3.0
    penalty = model.gradient_penalty(tf.ones((3, 2)))
    np.testing.assert_allclose(penalty, (np.sqrt(3) - 1) ** 2, rtol=1e-6)


@pytest.mark.parametrize("epsilon, finite", [(1e-12, True), (0.0, False)])
def test_epsilon_keeps_a_flat_critic_alive(epsilon, finite):
    model = linear_model([0.0, 0.0], penalty_epsilon=epsilon)
    logs = model.train_step(None)
    kernel = model.discriminator.get_weights()[0]
    assert np.isfinite(kernel).all() == finite
    np.testing.assert_allclose(logs["gp"], 1, rtol=1e-5)


# -- the objective --------------------------------------------------------------


@pytest.mark.parametrize("lambda_gp", [0, 2.5, 10])
def test_objective_of_a_linear_critic_in_closed_form(lambda_gp):
    """D(x) = <w, x>: the gradient is mean(fake) − mean(real) + λ·2(‖w‖ − 1)·w/‖w‖."""
    w, rate = np.array([1.0, 2.0, 2.0]), 0.01

    def make():
        sgd = keras.optimizers.SGD(rate)
        return linear_model(w, lambda_gp=lambda_gp, discriminator_optimizer=sgd)

    model, twin = make(), make()
    logs = model.train_step(None)
    real, fake = twin.get_real_sample().numpy(), twin.get_fake_sample(training=True)
    difference = fake.numpy().mean(axis=0) - real.mean(axis=0)
    gradient = difference + lambda_gp * 2 * (3 - 1) * w / 3
    kernel, bias = model.discriminator.get_weights()
    np.testing.assert_allclose(kernel[:, 0], w - rate * gradient, rtol=1e-5)
    np.testing.assert_allclose(bias, 0, atol=1e-7)
    np.testing.assert_allclose(logs["discr_loss"], w @ difference, rtol=1e-5)
    np.testing.assert_allclose(logs["gp"], (3 - 1) ** 2, rtol=1e-5)
    assert list(logs) == ["discr_loss", "gen_loss", "gp"]


def test_step_of_a_curved_critic_on_a_twin(vectors):
    def make():
        rates = {
            "generator_optimizer": keras.optimizers.SGD(0.5),
            "discriminator_optimizer": keras.optimizers.SGD(0.1),
        }
        return vectors(gan.WGAN_GP, disc_iter=1, lambda_gp=7, **rates)

    model, twin = make(), make()
    logs = model.train_step(None)
    critic, generator = twin.discriminator, twin.generator
    real, fake = twin.get_real_sample(), twin.get_fake_sample(training=True)
    points = twin.get_interpolated_sample(real, fake)
    with tf.GradientTape() as tape:
        # Each row's own gradient, by the chain rule through the two tanh layers.
        (a, c), (b, d) = (layer.weights for layer in critic.layers[1:])
        hidden = tf.tanh(points @ a + c)
        slope = 1 - tf.tanh(hidden @ b + d) ** 2
        slopes = slope * (((1 - hidden**2) * tf.transpose(b)) @ tf.transpose(a))
        penalty = tf.reduce_mean((tf.norm(slopes, axis=1) - 1) ** 2)
        distance = tf.reduce_mean(critic(fake)) - tf.reduce_mean(critic(real))
        objective = distance + 7 * penalty
    weights = critic.trainable_variables
    for weight, gradient in zip(
        weights, tape.gradient(objective, weights), strict=True
    ):
        weight.assign(weight - 0.1 * gradient)
    z = latents(twin)
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(critic(generator(z)))
    weights = generator.trainable_variables
    for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
        weight.assign(weight - 0.5 * gradient)
    expected = {"discr_loss": distance, "gen_loss": loss, "gp": penalty}
    for name, value in expected.items():
        np.testing.assert_allclose(logs[name], value, rtol=1e-4, atol=1e-6)
    for a, b in zip(weights_of(model), weights_of(twin), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.slow
def test_penalty_draws_slopes_towards_one(vectors):
    model = vectors(lambda_gp=100, learning_rate=0.02)
    for weight in model.discriminator.trainable_variables:
        weight.assign(0.1 * weight)
    history = model.fit(epochs=3, steps_per_epoch=40, verbose=0).history
    assert history["gp"][2] < 0.2 * history["gp"][0]


# -- replace_weights ------------------------------------------------------------


def faces_model(**options):
    latent = gan.latent.LatentGenerator(16)
    return gan.WGAN_GP(*gan.convolutional_GenDiscr(), latent, **options)


def raw_arrays(path):
    with h5py.File(path) as file:
        return [
            file[layer][weight][()]
            for layer in file.attrs["layer_names"]
            for weight in file[layer].attrs["weight_names"]
        ]


def test_the_courses_weights(shared):
    paths = shared("seed_generator.h5"), shared("seed_discriminator.h5")
    model = faces_model(ema=0.99)
    model.replace_weights(*map(str, paths))
    # Keras lists trainable weights before statistics; files go layer by layer.
    for network, path in zip(
        (model.generator, model.discriminator), paths, strict=True
    ):
        by_layer = [w.numpy() for layer in network.layers for w in layer.weights]
        assert_equal(by_layer, raw_arrays(path))
    assert_equal(model.averaged_generator.get_weights(), model.generator.get_weights())
    fakes = model.get_fake_sample(200).numpy()
    assert abs(fakes.mean() - 0.463) < 0.03


@pytest.mark.slow
def test_own_weights_and_the_average(vectors, tmp_path):
    source, model = vectors(seed=5, ema=0.5), vectors(seed=6, ema=0.5)
    source.fit(epochs=1, steps_per_epoch=2, verbose=0)
    paths = tmp_path / "g.h5", tmp_path / "d.h5"
    gan.weights.save_weights(source.generator, paths[0])
    gan.weights.save_weights(source.discriminator, paths[1])
    model.replace_weights(gen_h5=paths[0], disc_h5=paths[1])
    assert_equal(weights_of(model), weights_of(source))
    assert_equal(model.averaged_generator.get_weights(), source.generator.get_weights())


@pytest.mark.parametrize(
    "fault",
    slow_but_first("missing", "other network", "cut", "not finite", single=True),
)
@pytest.mark.parametrize("bad", [0, 1])
def test_both_networks_or_none(vectors, tmp_path, fault, bad):
    source, model = vectors(seed=5), vectors(seed=6, ema=0.5)
    paths = [tmp_path / "g.h5", tmp_path / "d.h5"]
    networks = [source.generator, source.discriminator]
    for network, path in zip(networks, paths, strict=True):
        gan.weights.save_weights(network, path)
    if fault == "missing":
        paths[bad].unlink()
    elif fault == "other network":
        paths[bad] = paths[1 - bad]
    elif fault == "cut":
        paths[bad].write_bytes(paths[bad].read_bytes()[:-100])
    else:
        with h5py.File(paths[bad], "a") as file:
            layer = file[file.attrs["layer_names"][-1]]
            layer[layer.attrs["weight_names"][0]][0, 0] = np.nan
    before = weights_of(model), model.averaged_generator.get_weights()
    with refused("path"):
        model.replace_weights(*paths)
    assert_equal(weights_of(model), before[0])
    assert_equal(model.averaged_generator.get_weights(), before[1])


# -- bad input ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lambda_gp", "penalty_epsilon"])
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "1", True, None])
def test_bad_penalty_arguments(vectors, name, value):
    with refused(name):
        vectors(**{name: value})
