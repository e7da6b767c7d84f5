"""The commands generate and export, for every kind of trained model."""

import keras
import numpy as np
import pytest
from conftest import slow_but_first
from PIL import Image

import gan
from gan import cli


@pytest.fixture(scope="module")
def models(files, tmp_path_factory):
    """Files of every kind of model, and the folder of a run."""
    folder = tmp_path_factory.mktemp("models")
    pictures = np.zeros((50, 8, 8, 3), "float32")
    keras.utils.set_random_seed(0)
    for name, classes in (("plain", None), ("classes", 10)):
        parts = gan.residual_GenDiscr((8, 8, 3), 4, 2, classes=classes)
        real = (pictures, np.arange(50) % 10) if classes else pictures
        gan.R3GAN(*parts, real, batch_size=50).save(folder / f"{name}.keras")
    parts = gan.fully_connected_GenDiscr([2, 4, 2], None)
    gan.WGAN_GP(*parts).save(folder / "vectors.keras")
    (folder / "run").mkdir()
    gan.load_model(folder / "plain.keras").save(folder / "run" / "model.keras")
    (folder / "empty").mkdir()
    (folder / "faces.h5").write_bytes((files / "g.h5").read_bytes())
    return folder


@pytest.mark.parametrize(
    "command, wrong",
    slow_but_first(
        ("generate faces.h5 --count 5 --output x.png", None),
        ("generate plain.keras --output x.png", None),
        ("generate run --output x.png", None),
        ("generate classes.keras --class 7 --count 16 --output x.png", None),
        ("generate vectors.keras --output x.npy", None),
        ("generate plain.keras --truncation 0.5 --output x.npy", None),
        ("generate vectors.keras --output x.png", "which are not pictures"),
        ("generate empty --output x.png", "holds no run with a model"),
        ("generate none.keras --output x.png", "There is nothing at"),
        (
            "generate classes.keras --class 10",
            "must name classes of the generator",
        ),
        ("generate plain.keras --class 1", "argument class"),
        ("generate plain.keras --count 0", "argument count"),
        ("generate plain.keras --each --output run", "a new or empty folder"),
        ("walk plain.keras --shape segment --output x.png", None),
        ("walk classes.keras --shape segment --class 3 --output x.png", None),
        ("walk vectors.keras --output x.png", "which are not pictures"),
        ("walk classes.keras --class 3 --output x.gif", None),
        ("faces --generator plain.keras --output x.png", "argument generator"),
        ("export faces.h5 --output x.keras", None),
        ("export classes.keras --to savedmodel --output x", None),
        ("export vectors.keras --to onnx --output x.onnx", None),
        ("export faces.h5 --to tflite --output x.tflite", None),
        ("export plain.keras --to onnx --output x.keras", "must end in .onnx"),
        ("export plain.keras --to savedmodel --output run", "must be a new folder"),
        ("export plain.keras --to savedmodel --output no/x", "There is no folder"),
    ),
)
def test_each_command_on_each_kind_of_model(
    command, wrong, models, tmp_path, monkeypatch, capsys
):
    words = command.split()
    for number, word in enumerate(words):
        if (models / word).exists() or word == "none.keras":
            words[number] = str(models / word)
    monkeypatch.chdir(tmp_path)
    assert cli.main(words) == (2 if wrong else 0)
    said = capsys.readouterr()
    if wrong:
        assert wrong in said.err and len(said.err.splitlines()) == 1
        assert not [*tmp_path.iterdir()]
    else:
        assert (tmp_path / said.out.splitlines()[-1].split("/")[-1]).exists()


@pytest.mark.slow
def test_single_files_hold_the_pictures_themselves(models, tmp_path):
    each, array = tmp_path / "each", tmp_path / "x.npy"
    options = ["generate", str(models / "plain.keras"), "--count", "3"]
    assert cli.main([*options, "--each", "--output", str(each)]) == 0
    assert cli.main([*options, "--output", str(array)]) == 0
    for number, expected in enumerate(np.load(array), 1):
        with Image.open(each / f"{number:05d}.png") as image:
            np.testing.assert_array_equal(image, np.rint(255 * expected))


@pytest.mark.slow
def test_truncation_scales_the_latents(models, tmp_path):
    path, draws = tmp_path / "x.npy", []
    for factor in ("0", "1", "2"):
        options = ["--count", "6", "--truncation", factor, "--output", str(path)]
        assert cli.main(["generate", str(models / "vectors.keras"), *options]) == 0
        draws.append(np.load(path))
    model = gan.load_model(models / "vectors.keras")
    keras.utils.set_random_seed(0)
    latents = model.latent_generator(6)
    for factor, drawn in enumerate(draws):
        np.testing.assert_allclose(drawn, model(factor * latents), rtol=1e-5)


@pytest.mark.slow
def test_what_is_exported_opens_without_the_library(models, tmp_path, python):
    path = tmp_path / "g.keras"
    source = str(models / "classes.keras")
    assert cli.main(["export", source, "--to", "keras", "--output", str(path)]) == 0
    latents, labels = np.ones((3, 4), "float32"), np.array([7, 0, 2])
    program = (
        "import sys; sys.modules['gan'] = None; import keras, numpy as np\n"
        f"network = keras.saving.load_model({str(path)!r})\n"
        "drawn = network([np.ones((3, 4)), np.array([7, 0, 2])])\n"
        f"np.save({str(tmp_path / 'x.npy')!r}, drawn)"
    )
    said = python("-c", program)
    assert said.returncode == 0, said.stderr
    expected = gan.load_model(source).generator([latents, labels])
    np.testing.assert_allclose(np.load(tmp_path / "x.npy"), expected, atol=1e-6)


@pytest.mark.slow
def test_pictures_of_any_shape_are_judged_and_diagnosed(
    models, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("gan.metrics.registry._RESAMPLES", 2)
    monkeypatch.chdir(tmp_path)
    real = np.random.default_rng(0).integers(0, 256, (200, 12, 12, 3), "uint8")
    np.savez("real.npz", x=real, y=np.arange(200) % 10)
    np.save("few.npy", real[:50])
    model = str(models / "classes.keras")
    judge = ["evaluate", model, "--pictures"]
    assert cli.main([*judge, "real.npz", "--output", "x.png"]) == 0
    said = capsys.readouterr().out
    assert "coverage" in said and "PCA, depth 128" in said and said.endswith("x.png\n")
    assert "in the requested class" in said and "on held-out pictures" in said
    assert cli.main([*judge, "few.npy"]) == 2
    assert "argument pictures must name at least 200" in capsys.readouterr().err
    assert cli.main(["diagnose", model, "--pictures", "real.npz"]) in (0, 1)
    assert "not checked: output range" not in capsys.readouterr().out
    assert cli.main(["diagnose", model, "--pictures", "few.npy"]) == 2
    assert "must name pictures with classes" in capsys.readouterr().err


@pytest.mark.slow
def test_large_pictures_are_judged_by_their_strongest_coordinates(monkeypatch):
    from gan.metrics import report

    seen = []
    monkeypatch.setattr(
        report.metrics, "evaluate", lambda real, fake, seed: seen.append((real, fake))
    )
    real = np.random.default_rng(0).random((300, 20, 20, 3)).astype("float32")
    report.evaluate_faces(real, {"ours": lambda n: real[:n]}, tell=lambda text: None)
    found, copies = seen[-1]
    assert found.shape == (300, 256) and copies.shape == (150, 256)
    np.testing.assert_allclose(found[:150], copies)
    # The map is orthonormal, so it keeps the squared lengths along 256 axes.
    kept = ((found - found.mean(axis=0)) ** 2).sum()
    centred = (real - real.mean(axis=0)).reshape(300, -1)
    total = np.linalg.svd(centred, compute_uv=False)[:256]
    np.testing.assert_allclose(kept, (total**2).sum(), rtol=1e-4)
