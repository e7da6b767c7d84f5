import pytest

import gan
from gan.recipes import mnist_dense


@pytest.fixture(scope="module")
def model(random_digits):
    return mnist_dense.RECIPE.make_model(random_digits(256), seed=1)


def test_the_generator_is_the_documented_one(model, layer_table, layer_settings):
    expected, inputs = [], 100
    for size in (256, 512, 1024):
        expected.append(("Dense", (size,), (inputs + 1) * size))
        expected.append(("LeakyReLU", (size,), 0))
        expected.append(("BatchNormalization", (size,), 4 * size))
        inputs = size
    expected.append(("Dense", (784,), 803_600))
    expected.append(("Reshape", (28, 28, 1), 0))
    assert layer_table(model.generator) == expected
    assert model.generator.count_params() == 1_493_520
    assert layer_settings(model.generator) == ["linear", 0.2, 0.8] * 3 + ["tanh"]


def test_the_discriminator_is_the_documented_one(model, layer_table, layer_settings):
    assert layer_table(model.discriminator) == [
        ("Flatten", (784,), 0),
        ("Dense", (512,), 401_920),
        ("LeakyReLU", (512,), 0),
        ("Dense", (256,), 131_328),
        ("LeakyReLU", (256,), 0),
        ("Dense", (1,), 257),
    ]
    assert model.discriminator.count_params() == 533_505
    assert layer_settings(model.discriminator) == ["linear", 0.2] * 2 + ["linear"]


def test_hyperparameters(model):
    assert isinstance(model, gan.NonSaturatingGAN)
    assert (model.batch_size, model.disc_iter) == (32, 1)
    for network in (model.generator, model.discriminator):
        optimizer = network.optimizer
        assert float(optimizer.learning_rate) == pytest.approx(2e-4)
        assert (optimizer.beta_1, optimizer.beta_2) == (0.5, 0.999)
    rows = model.real_examples.numpy()
    assert (rows.min(), rows.max()) == (-1, 1)


@pytest.mark.slow
def test_a_step_moves_both_networks(model, moves_both_networks):
    assert moves_both_networks(model)
    assert "discr_acc" in model.log_names


def test_pictures(model, run_of, digits_file):
    asked = run_of(mnist_dense, model, digits_file)
    assert (asked["epochs"], asked["steps"]) == (150, 200)
    for callback in asked["callbacks"]:
        assert (callback._count, callback._columns, callback._every) == (25, 5, 1)
