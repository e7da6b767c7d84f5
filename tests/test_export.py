"""A generator alone, exported to files that other programs can open."""

import importlib
import importlib.util
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import slow_but_first
from keras import layers

import gan
from gan import cli
from gan.saving.export import export_generator

ENDINGS = {"keras": ".keras", "onnx": ".onnx", "savedmodel": "", "tflite": ".tflite"}
onnx_s_own = pytest.mark.filterwarnings(
    "ignore::FutureWarning", "ignore::DeprecationWarning"
)


def sequential():
    """A model with upsampling, a convolution and an averaged generator."""
    generator = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(4),
            layers.Reshape((2, 2, 1)),
            layers.UpSampling2D(),
            layers.Conv2D(1, 3, padding="same"),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
        ]
    )
    discriminator = keras.Sequential(
        [keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(1)]
    )
    latents = gan.latent.LatentGenerator(3)
    return gan.WGAN_GP(generator, discriminator, latents, ema=0.5)


def conditional():
    """A model with float labels, a layer that is used twice, and a nested model."""
    latents, labels = keras.Input((3,)), keras.Input((1,))
    embedded = layers.Flatten()(layers.Embedding(3, 2)(labels))
    x = layers.Dense(4)(layers.Concatenate()([latents, embedded]))
    x, double = layers.Reshape((2, 2, 1))(x), layers.UpSampling2D()
    last = [keras.Input((8, 8, 1)), layers.Conv2D(1, 3, padding="same")]
    x = keras.Sequential(last)(double(double(x)))
    generator = keras.Model([latents, labels], x)
    picture = keras.Input((8, 8, 1))
    flat = layers.Flatten()(picture)
    ends = [(1, "sigmoid"), (3, "softmax")]
    ends = [layers.Dense(size, activation=kind)(flat) for size, kind in ends]
    discriminator = keras.Model(picture, ends)
    return gan.AC_GAN(generator, discriminator, gan.latent.LatentGenerator(3))


MODELS = {"sequential": sequential, "conditional": conditional}


@pytest.fixture(scope="module")
def models():
    keras.utils.set_random_seed(0)
    return {name: make() for name, make in MODELS.items()}


def opened(path, to, arrays):
    """The outputs of an exported file, computed without this library."""
    one = len(arrays) == 1
    if to == "keras":
        return keras.saving.load_model(path)(arrays[0] if one else arrays)
    if to == "savedmodel":
        loaded = tf.saved_model.load(str(path))
        return loaded.serve(arrays[0] if one else arrays)
    if to == "onnx":
        runtime = pytest.importorskip("onnxruntime", reason="pip install '.[onnx]'")
        session = runtime.InferenceSession(str(path))
        names = [one.name for one in session.get_inputs()]
        return session.run(None, dict(zip(names, arrays, strict=True)))[0]
    with pytest.warns(UserWarning, match="Interpreter is deprecated"):
        run = tf.lite.Interpreter(str(path)).get_signature_runner()
    names = sorted(run.get_input_details())
    return run(**dict(zip(names, arrays, strict=True)))["output_0"]


@onnx_s_own
@pytest.mark.parametrize("to", slow_but_first(*ENDINGS, single=True))
@pytest.mark.parametrize("kind", MODELS)
def test_every_kind_of_generator_is_exported_in_every_format(
    kind, to, models, tmp_path
):
    model, path = models[kind], tmp_path / f"g{ENDINGS[to]}"
    arrays = [np.random.default_rng(0).normal(size=(9, 3)).astype("float32")]
    if model.classes:
        arrays.append(np.arange(9, dtype="float32")[:, None] % 3)
    model.export(path, to, verbose=False)
    expected = model(arrays if len(arrays) > 1 else arrays[0])
    np.testing.assert_allclose(opened(path, to, arrays), expected, atol=1e-6)


def test_what_an_export_lacks_is_named_before_any_work(models, tmp_path, monkeypatch):
    found = importlib.util.find_spec
    without = {"tf2onnx": None, "onnxruntime": None}
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: without.get(name, found)
    )
    model = models["sequential"]
    for path, to, argument in [
        ("g.onnx", "onnx", "format"),
        ("g.keras", "tflite", "filepath"),
        ("g.tflite", "keras", "filepath"),
        ("no/g.onnx", "onnx", "path"),
    ]:
        with pytest.raises(gan.InvalidInput) as error:
            model.export(tmp_path / path, to)
        assert error.value.argument == argument
    latents = np.zeros((8, 3), "float32")
    with pytest.raises(gan.InvalidInput) as error:
        export_generator(model.generator, tmp_path / "g.onnx", "onnx", [latents])
    assert error.value.argument == "format" and not [*tmp_path.iterdir()]


# -- every generator of ours -----------------------------------------------------------

PRETRAINED = {
    "faces": lambda: gan.convolutional_GenDiscr()[0],
    "vectors": lambda: gan.fully_connected_GenDiscr([2, 4, 2], None)[0],
    "residual": lambda: gan.residual_GenDiscr((8, 8, 1), 8, 4)[0],
    "residual in colour": lambda: gan.residual_GenDiscr((8, 8, 3), 8, 4)[0],
    "residual with classes": lambda: gan.residual_GenDiscr((8, 8, 1), 8, 4, 3)[0],
    **{
        name: lambda name=name: importlib.import_module(
            f"gan.recipes.{name}"
        ).make_generator()
        for name in ("gaussian", "lfw", "mnist_acgan", "mnist_dcgan", "mnist_dense")
    },
}


@pytest.mark.slow
@onnx_s_own
@pytest.mark.parametrize("to", ENDINGS)
@pytest.mark.parametrize("name", PRETRAINED)
def test_every_generator_of_ours_is_exported_in_every_format(name, to, tmp_path):
    keras.utils.set_random_seed(0)
    generator = PRETRAINED[name]()
    latents, *labels = generator.inputs
    arrays = [np.random.default_rng(0).normal(size=(20, latents.shape[1]))]
    arrays += [np.arange(20) % 3 for _ in labels]
    path = tmp_path / f"g{ENDINGS[to]}"
    assert export_generator(generator, path, to, arrays) < 1e-4
    assert [*tmp_path.iterdir()] == [path]


@onnx_s_own
def test_an_onnx_file_draws_pictures_and_says_what_they_are(tmp_path, capsys):
    runtime = pytest.importorskip("onnxruntime", reason="pip install '.[onnx]'")
    keras.utils.set_random_seed(0)
    parts = gan.residual_GenDiscr((8, 8, 1), 4, 2, classes=2)
    names = ["a", "ö"]
    model = gan.R3GAN(*parts, pixel_range=(0.45, 0.55), class_names=names)
    model.save(tmp_path / "m.keras")
    path = tmp_path / "g.onnx"
    options = ["--to", "onnx", "--output", str(path)]
    assert cli.main(["export", str(tmp_path / "m.keras"), *options]) == 0
    assert "0 is black and 1 is white" in capsys.readouterr().out
    session = runtime.InferenceSession(str(path))
    about = session.get_modelmeta().custom_metadata_map
    assert json.loads(about["classes"]) == names and about["latents"] == "normal"
    assert "[0, 1]" in about["pictures"]
    assert [one.name for one in session.get_inputs()] == ["latents", "labels"]
    drawing = gan.load_generator(tmp_path / "m.keras")
    z, labels = drawing.latents(6), drawing.labels(6)
    (found,) = session.run(None, {"latents": z, "labels": labels})
    wanted = drawing.draw(z, labels)[..., None]
    assert wanted.min() < 0 and wanted.max() > 1
    np.testing.assert_allclose(found, wanted.clip(0, 1), atol=1e-5)
