import hashlib
import json
import shutil

import keras
import numpy as np
import pytest
from conftest import slow_but_first
from keras import layers

import gan
from gan import cli
from gan.diagnosis import Diagnosis
from gan.saving.model_file import save_model

NEWEST = "epoch-000002.keras"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folder of a run on 60 pictures of 4x4, with the pictures in it."""
    run = tmp_path_factory.mktemp("run")
    pictures = np.random.default_rng(0).integers(0, 256, (60, 4, 4), "uint8")
    np.save(run / "pictures.npy", pictures)
    np.save(run / "wide.npy", pictures[:, :, :2])
    noted = hashlib.sha256(np.float32(pictures / np.float32(255)).tobytes()).hexdigest()
    (run / "run.json").write_text(json.dumps({"recipe": "faces", "data": noted[:16]}))
    keras.utils.set_random_seed(0)
    generator = keras.Sequential(
        [keras.Input((3,)), layers.Dense(16, "tanh"), layers.Reshape((4, 4, 1))]
    )
    critic = keras.Sequential(
        [keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(1, use_bias=False)]
    )
    # The norm of the gradient is 3 everywhere.
    critic.set_weights([np.full((16, 1), 0.75)])
    parts = generator, critic, gan.latent.LatentGenerator(3)
    model = gan.WGAN_GP(*parts, batch_size=20, seed=0, pixel_range=(0, 1))
    (run / "checkpoints").mkdir()
    for name in ("epoch-000001.keras", NEWEST):
        save_model(model, run / "checkpoints" / name)
    return run


def diagnose(*line):
    return cli.main(["diagnose", *map(str, line), "--count", "50"])


@pytest.mark.slow
def test_a_run_with_its_pictures(trained, capsys):
    line = [trained, "--pictures", trained / "pictures.npy"]
    assert diagnose(*line) == 1
    out = capsys.readouterr().out
    first, second, third, *_ = out.splitlines()
    assert first == f"WGAN_GP of {trained / 'checkpoints' / NEWEST}"
    assert second.startswith("gradient norm: 3.00 ± 0.00 (mean ± standard deviation)")
    assert third.startswith("    cure: train longer")
    assert "% of the real values, in [0, 1], are" in out
    assert "\nnot checked: clipped weights (the model does not clip weights)\n" in out
    assert diagnose(*line) == 1
    assert capsys.readouterr().out == out
    assert diagnose(*line, "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["findings"][0]["name"] == "gradient norm"
    assert "clipped weights" in found["not_made"]


@pytest.mark.slow
def test_without_pictures_it_says_what_is_missing(trained, capsys):
    for path in (trained / "checkpoints" / NEWEST, trained / "checkpoints"):
        assert diagnose(path) == 0
        out = capsys.readouterr().out
        assert "\nChecks that need the training data are left out" in out
        assert "\nnothing found\n" in out
        assert (
            "\nnot checked: collapsed variety (the model has no real examples)" in out
        )


def test_other_pictures_and_another_range(trained, tmp_path, capsys):
    other = np.random.default_rng(1).random((60, 4, 4), "float32")
    other[0] = [[0, 1, 0, 1]] * 4
    np.save(tmp_path / "other.npy", other)
    line = [trained, "--pictures", tmp_path / "other.npy", "--range", "0", "255"]
    assert diagnose(*line) == 1
    out = capsys.readouterr().out
    assert "\nThese are not the pictures of the run, so copies of training" in out
    assert "% of the real values, in [0, 255], are outside of the generator's" in out
    assert "\noutput range: " in out
    # A copy of the file in another folder has no run.json beside it.
    shutil.copy(trained / "checkpoints" / NEWEST, tmp_path / "model.keras")
    assert diagnose(tmp_path / "model.keras", *line[1:]) == 1
    assert "not the pictures" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("names", "labels", "said"),
    slow_but_first(
        (("ant", "bee", "cat"), {1, 2}, "left out: zebra.\nThese classes of the model"),
        (("zebra", "cat", "bee"), {0, 1, 2}, ""),
        (("cat", "b", "c"), {0}, "which are left out: bee, zebra."),
        ((), {0, 1, 2}, "does not name its classes"),
    ),
)
def test_classes_are_matched_by_name(
    names, labels, said, three_stripes, monkeypatch, capsys
):
    def look(model, count, seed, withheld=None):
        numbers = np.array(model.real_examples[1])
        assert {*numbers} == labels
        return Diagnosis()

    monkeypatch.setattr("gan.diagnosis.diagnose", look)
    real, noted = three_stripes
    run, pictures = noted(*names), real(bee=40, cat=40, zebra=40)
    assert diagnose(run / "model.keras", "--pictures", pictures) == 0
    assert said in capsys.readouterr().out


def test_pictures_of_no_class_of_the_model_are_refused(three_stripes, capsys):
    real, noted = three_stripes
    pictures = real(bee=40, zebra=40)
    run = noted("x", "y", "z")
    assert diagnose(run / "model.keras", "--pictures", pictures) == 2
    assert "one that the model was trained on" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_of_train_and_its_pictures_are_known_again(files, tmp_path, capsys):
    line = ["train", "--pictures", str(files / "pictures.npy"), "--epochs", "1"]
    assert cli.main([*line, "--steps", "1", "--output", str(tmp_path)]) == 0
    np.save(tmp_path / "other.npy", 255 - np.load(files / "pictures.npy"))
    for path, other in ((files / "pictures.npy", 0), (tmp_path / "other.npy", 1)):
        capsys.readouterr()
        assert diagnose(tmp_path, "--pictures", path) in (0, 1)
        assert capsys.readouterr().out.count("not the pictures of the run") == other


def test_a_damaged_checkpoint_is_passed_over(trained, tmp_path, capsys):
    good = trained / "checkpoints" / "epoch-000001.keras"
    shutil.copy(good, tmp_path / good.name)
    bad = tmp_path / "epoch-000002.keras"
    bad.write_bytes(good.read_bytes()[:1000])
    assert diagnose(tmp_path) == 0
    out = capsys.readouterr().out
    assert f"Skipped {bad}: " in out
    assert f"WGAN_GP of {tmp_path / good.name}\n" in out
    (tmp_path / good.name).unlink()
    assert diagnose(tmp_path) == 2
    error = capsys.readouterr().err
    assert error.startswith("gan: error: ") and str(tmp_path) in error


@pytest.mark.slow
def test_without_a_model_it_looks_at_our_faces(capsys):
    assert cli.main(["diagnose", "--count", "50", "--json"]) in (0, 1)
    assert "dead layer" in json.loads(capsys.readouterr().out)["checked"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (["{empty}/none"], "There is nothing at "),
        (["{empty}"], "holds no checkpoints"),
        (["{files}/g.h5"], "such as discriminator.h5 for generator.h5"),
        (["{empty}", "--pictures", "none.npy"], "There is nothing at none.npy"),
        (["{empty}", "--range", "1", "1"], "argument range"),
        (["{empty}", "--range", "nan", "1"], "argument black"),
        (["{empty}", "--seed", "-1"], "argument seed"),
    ],
)
def test_what_is_refused(line, expected, trained, files, tmp_path, capsys):
    places = {"empty": tmp_path, "files": files, "run": trained}
    assert diagnose(*(part.format(**places) for part in line)) == 2
    error = capsys.readouterr().err
    assert error.startswith("gan: error: ") and expected in error
    assert error.count("\n") == 1


def test_pictures_of_another_shape_are_refused(trained, capsys):
    assert diagnose(trained, "--pictures", trained / "wide.npy") == 2
    assert "must have the shape (N, 4, 4" in capsys.readouterr().err


def test_few_fakes_are_refused_before_anything_is_read(capsys):
    assert cli.main(["diagnose", "none", "--count", "15"]) == 2
    assert "argument count" in capsys.readouterr().err
