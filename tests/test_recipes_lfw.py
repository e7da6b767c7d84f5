import keras
import numpy as np
import pytest

import gan
from gan.data.pictures import Pictures
from gan.recipes import lfw


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).random((100, 36, 36, 3), "float32")


@pytest.fixture(scope="module")
def model(pictures):
    data = Pictures(np.uint8(255 * pictures))
    return lfw.RECIPE.make_model(data, seed=1)


def test_the_generator_is_the_documented_one(model, layer_table, layer_settings):
    assert layer_table(model.generator) == [
        ("Dense", (640,), 164_480),
        ("Reshape", (8, 8, 10), 0),
        ("Conv2DTranspose", (12, 12, 64), 16_064),
        ("Conv2DTranspose", (16, 16, 64), 102_464),
        ("UpSampling2D", (32, 32, 64), 0),
        ("Conv2DTranspose", (34, 34, 32), 18_464),
        ("Conv2DTranspose", (36, 36, 32), 9_248),
        ("Conv2DTranspose", (38, 38, 32), 9_248),
        ("Conv2D", (36, 36, 3), 867),
    ]
    assert model.generator.count_params() == 320_835
    assert layer_settings(model.generator) == ["elu"] * 6 + ["linear"]


def test_the_discriminator_is_the_documented_one(model, layer_table, layer_settings):
    expected, channels, side = [], 3, 36
    for filters in (32, 64, 128, 256):
        parameters = (9 * channels + 1) * filters
        expected.append(("Conv2D", (side, side, filters), parameters))
        channels, side = filters, side // 2
        expected.append(("MaxPooling2D", (side, side, filters), 0))
    expected += [("Flatten", (1024,), 0), ("Dense", (256,), 262_400)]
    assert layer_table(model.discriminator) == [*expected, ("Dense", (2,), 514)]
    assert model.discriminator.count_params() == 651_330
    settings = ["elu"] * 4 + ["tanh", "log_softmax"]
    assert layer_settings(model.discriminator) == settings


def test_hyperparameters_and_the_regulariser(model):
    assert isinstance(model, gan.TwoClassGAN)
    assert (model.batch_size, model.disc_iter) == (100, 5)
    optimizers = model.generator.optimizer, model.discriminator.optimizer
    assert [type(optimizer) for optimizer in optimizers] == [
        keras.optimizers.Adam,
        keras.optimizers.SGD,
    ]
    rates = [float(optimizer.learning_rate) for optimizer in optimizers]
    assert rates == pytest.approx([1e-4, 1e-3])
    (term,) = model.discriminator.losses
    kernel = model.discriminator.layers[-1].kernel.numpy()
    assert float(term) == pytest.approx(np.mean(kernel**2))


@pytest.mark.slow
def test_a_step_moves_both_networks(model, moves_both_networks):
    assert moves_both_networks(model)


@pytest.mark.slow
def test_pictures(model, pictures, run_of, tmp_path, monkeypatch):
    np.save(tmp_path / "faces.npy", pictures)
    shown = []
    usual = gan.plots.mosaic
    monkeypatch.setattr(
        gan.plots, "mosaic", lambda *args: shown.append(args) or usual(*args)
    )
    asked = run_of(lfw, model, tmp_path / "faces.npy")
    ((samples, columns),) = shown
    assert (len(samples), columns) == (128, 16)
    assert (asked["epochs"], asked["steps"]) == (100, 100)
    grid, values = asked["callbacks"]
    assert (grid._count, grid._columns) == (6, 3)
    values.on_epoch_end(0)
    assert (tmp_path / "values_at_epoch_0001.png").is_file()
    assert asked["paths"] == (tmp_path / "samples.png",)


@pytest.mark.slow
def test_the_histogram_shows_probabilities_of_being_real(model, pictures, monkeypatch):
    monkeypatch.setattr(gan.plots, "histograms", lambda panels, label: panels)
    many = np.resize(pictures, (1001, 36, 36, 3))
    monkeypatch.setattr(model, "discriminator", lambda x: np.zeros((len(x), 2)))
    values = lfw.draw_values(model, many)["discriminator"]
    assert [len(value) for value in values.values()] == [1000, 1000]
    monkeypatch.undo()
    monkeypatch.setattr(gan.plots, "histograms", lambda panels, label: panels)
    values = lfw.draw_values(model, pictures)["discriminator"]
    assert {name: value.shape for name, value in values.items()} == {
        "real": (100,),
        "fake": (100,),
    }
    rows = np.random.default_rng(0).permutation(100)
    expected = np.exp(model.discriminator(pictures[rows]))[:, 1]
    np.testing.assert_allclose(values["real"], expected, rtol=1e-5)
