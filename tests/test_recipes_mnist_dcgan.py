import numpy as np
import pytest

import gan
from gan.recipes import mnist_dcgan


@pytest.fixture(scope="module")
def model(random_digits):
    return mnist_dcgan.RECIPE.make_model(random_digits(256), seed=1)


def test_the_generator_is_the_documented_one(model, layer_table, layer_settings):
    assert layer_table(model.generator) == [
        ("Dense", (12544,), 1_254_400),
        ("BatchNormalization", (12544,), 50_176),
        ("LeakyReLU", (12544,), 0),
        ("Reshape", (7, 7, 256), 0),
        ("Conv2DTranspose", (7, 7, 128), 819_200),
        ("BatchNormalization", (7, 7, 128), 512),
        ("LeakyReLU", (7, 7, 128), 0),
        ("Conv2DTranspose", (14, 14, 64), 204_800),
        ("BatchNormalization", (14, 14, 64), 256),
        ("LeakyReLU", (14, 14, 64), 0),
        ("Conv2DTranspose", (28, 28, 1), 1_600),
    ]
    assert model.generator.count_params() == 2_330_944
    trainable = sum(np.prod(w.shape) for w in model.generator.trainable_weights)
    assert trainable == 2_305_472
    settings = ["linear", 0.99, 0.3] * 3 + ["tanh"]
    assert layer_settings(model.generator) == settings


def test_the_discriminator_is_the_documented_one(model, layer_table, layer_settings):
    assert layer_table(model.discriminator) == [
        ("Conv2D", (14, 14, 64), 1_664),
        ("LeakyReLU", (14, 14, 64), 0),
        ("Dropout", (14, 14, 64), 0),
        ("Conv2D", (7, 7, 128), 204_928),
        ("LeakyReLU", (7, 7, 128), 0),
        ("Dropout", (7, 7, 128), 0),
        ("Flatten", (6272,), 0),
        ("Dense", (1,), 6_273),
    ]
    assert model.discriminator.count_params() == 212_865
    settings = ["linear", 0.3, 0.3] * 2 + ["linear"]
    assert layer_settings(model.discriminator) == settings


def test_hyperparameters(model):
    assert isinstance(model, gan.NonSaturatingGAN)
    assert (model.batch_size, model.disc_iter) == (256, 1)
    for network in (model.generator, model.discriminator):
        optimizer = network.optimizer
        betas = optimizer.beta_1, optimizer.beta_2
        assert (float(optimizer.learning_rate), *betas) == pytest.approx(
            (1e-4, 0.9, 0.999)
        )
    assert float(model.real_examples.numpy().min()) == -1
    assert model.latent_generator.latent_type == "normal"


@pytest.mark.slow
def test_a_step_moves_both_networks(model, moves_both_networks):
    assert moves_both_networks(model)


def test_pictures_and_checkpoints(model, run_of, digits_file):
    asked = run_of(mnist_dcgan, model, digits_file)
    assert (asked["epochs"], asked["steps"], asked["every"]) == (100, None, 15)
    for callback in asked["callbacks"]:
        assert (callback._count, callback._columns) == (16, 4)
    assert asked["callbacks"][0]._name.format(epoch=7) == "image_at_epoch_0007.png"
