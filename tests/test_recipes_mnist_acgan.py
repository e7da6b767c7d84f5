import numpy as np
import pytest
from conftest import refused

import gan
from gan.recipes import mnist_acgan


@pytest.fixture(scope="module")
def digits(random_digits):
    return random_digits(100)


@pytest.fixture(scope="module")
def model(digits):
    return mnist_acgan.RECIPE.make_model(digits, seed=1)


def test_the_generator_is_the_documented_one(model, layer_table, layer_settings):
    assert layer_table(model.generator) == [
        ("Embedding", (100,), 1_000),
        ("Multiply", (100,), 0),
        ("Dense", (3456,), 349_056),
        ("Reshape", (3, 3, 384), 0),
        ("Conv2DTranspose", (7, 7, 192), 1_843_392),
        ("BatchNormalization", (7, 7, 192), 768),
        ("Conv2DTranspose", (14, 14, 96), 460_896),
        ("BatchNormalization", (14, 14, 96), 384),
        ("Conv2DTranspose", (28, 28, 1), 2_401),
    ]
    assert model.generator.count_params() == 2_657_897
    activations = layer_settings(model.generator)
    assert activations == ["relu", "relu", 0.99, "relu", 0.99, "tanh"]
    initial = [
        type(layer.kernel_initializer).__name__
        for layer in model.generator.layers
        if type(layer).__name__ == "Conv2DTranspose"
    ]
    assert initial == ["GlorotNormal"] * 3


def test_latents_are_multiplied_by_the_vector_of_the_class(model):
    embedding, dense = (
        next(la for la in model.generator.layers if type(la).__name__ == kind)
        for kind in ("Embedding", "Dense")
    )
    seen = {}
    usual = dense.call
    dense.call = lambda inputs: seen.update(x=inputs) or usual(inputs)
    latents = np.random.default_rng(0).uniform(-1, 1, (2, 100)).astype("float32")
    model.generator([latents, np.array([3, 8], "int32")])
    del dense.call
    vectors = embedding.embeddings.numpy()[[3, 8]]
    assert vectors.std() > 0.1 / 3
    expected = latents * vectors
    np.testing.assert_allclose(seen["x"], expected, rtol=1e-6)


def test_the_discriminator_is_the_documented_one(model, layer_table, layer_settings):
    expected, channels = [], 1
    for filters, side in ((32, 14), (64, 14), (128, 7), (256, 7)):
        shape = (side, side, filters)
        expected.append(("Conv2D", shape, (9 * channels + 1) * filters))
        expected += [("LeakyReLU", shape, 0), ("Dropout", shape, 0)]
        channels = filters
    expected += [("Flatten", (12544,), 0), ("Dense", (1,), 12_545)]
    assert layer_table(model.discriminator) == [*expected, ("Dense", (10,), 125_450)]
    assert model.discriminator.count_params() == 525_835
    settings = ["linear", 0.2, 0.3] * 4 + ["sigmoid", "softmax"]
    assert layer_settings(model.discriminator) == settings
    names = [layer.name for layer in model.discriminator.layers[-2:]]
    assert names == ["generation", "auxiliary"]


def test_hyperparameters(model):
    assert isinstance(model, gan.AC_GAN)
    assert (model.batch_size, model.disc_iter, model.real_target) == (100, 1, 0.95)
    assert (model.auxiliary_weight, model.generator_batches) == (2, 2)
    assert model.latent_generator.latent_type == "symmetric"
    for network in (model.generator, model.discriminator):
        optimizer = network.optimizer
        assert float(optimizer.learning_rate) == pytest.approx(2e-4)
        assert (optimizer.beta_1, optimizer.beta_2) == (0.5, 0.999)


@pytest.mark.slow
def test_a_step_moves_both_networks(model, moves_both_networks):
    assert moves_both_networks(model)


@pytest.mark.slow
def test_the_picture_has_classes_in_columns(model, digits, monkeypatch):
    seen = {}
    monkeypatch.setattr(
        gan.plots, "tile", lambda *shown: seen.update(zip("pc", shown, strict=True))
    )
    before = model.stream.state.numpy()
    mnist_acgan.draw(model, digits, rows=3)
    again = dict(seen)
    mnist_acgan.draw(model, digits, rows=3)
    np.testing.assert_array_equal(again["p"], seen["p"])
    np.testing.assert_array_equal(model.stream.state, before)
    columns = seen["p"].reshape(3, 21, 28, 28).swapaxes(0, 1)
    assert (seen["c"], columns[10].min()) == (21, 1)
    np.testing.assert_array_equal(columns[11 + 4], digits.floats()[[4, 14, 24]])
    with model.stream.restarted(0):
        latents = model.latent_generator(3)
        expected, _ = model.get_fake_sample(labels=[7, 7, 7])
    assert latents.shape == (3, 100)
    np.testing.assert_allclose(columns[7], expected[..., 0] / 2 + 0.5, atol=1e-6)


def test_digits_without_labels_are_refused(model, digits, run_of, tmp_path):
    np.save(tmp_path / "digits.npy", digits.pictures)
    with refused("data"):
        run_of(mnist_acgan, model, tmp_path / "digits.npy")


def test_pictures(model, run_of, digits_file):
    asked = run_of(mnist_acgan, model, digits_file)
    assert (asked["epochs"], asked["steps"], asked["every"]) == (20, None, 1)
    assert all(callback._draw for callback in asked["callbacks"])
