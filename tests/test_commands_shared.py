import importlib.util
import pathlib
import shutil
import tomllib

import keras
import numpy as np
import pytest

from gan.cli import shared
from gan.errors import InvalidInput
from gan.saving.weights_file import save_weights

ROOT = pathlib.Path(__file__).resolve().parents[1]


def test_weights_are_there():
    assert (shared.WEIGHTS / "generator.h5").is_file()
    assert (shared.WEIGHTS / "discriminator.h5").is_file()


def test_weights_travel_in_the_wheel(tmp_path):
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    settings = settings["tool"]["setuptools"]
    folders = {path.parent for path in (ROOT / "gan").rglob("*.py")}
    packages = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    assert {*settings["packages"]} == packages | {"gan.pretrained"}
    assert settings["package-dir"] == {"gan.pretrained": "faces"}
    (pattern,) = settings["package-data"]["gan.pretrained"]
    carried = {path.name for path in (ROOT / "faces").glob(pattern)}
    assert {"generator.h5", "discriminator.h5"} <= carried
    installed = tmp_path / "gan"
    shutil.copytree(ROOT / "gan" / "commands", installed / "commands")
    (installed / "pretrained").mkdir()
    spec = importlib.util.spec_from_file_location(
        "elsewhere", installed / "commands" / "shared.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.WEIGHTS == installed / "pretrained"


@pytest.mark.parametrize("screen, verbose", [(True, 1), (False, 2)])
def test_a_progress_bar_is_for_terminals(screen, verbose, monkeypatch, capsys):
    monkeypatch.setattr(shared.sys.stdout, "isatty", lambda: screen)
    assert shared.verbose() == verbose


def test_parts_lose_nothing_and_bound_the_size():
    rows = np.arange(2500)
    found = shared.parts(rows)
    assert [len(part) for part in found] == [1000, 1000, 500]
    np.testing.assert_array_equal(np.concatenate(found), rows)


def test_generate_takes_the_latents_in_order():
    latents = np.arange(24.0).reshape(12, 2)
    np.testing.assert_array_equal(shared.generate(np.negative, latents), -latents)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_keras_cannot_take_is_refused(seed):
    shared.expect_seed(2**32 - 1)
    with pytest.raises(InvalidInput, match="^Expected seed from 0 to 4294967295"):
        shared.expect_seed(seed)


def test_a_mean_face_of_another_size_is_told_with_its_file(tmp_path):
    path = tmp_path / "g.h5"
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    save_weights(network, path, (np.zeros((8, 8)), np.ones((8, 8))))
    said = r"a mean face of shape \(16, 16\) in .*g\.h5. Received: shape=\(8, 8\)"
    with pytest.raises(InvalidInput, match=said):
        shared.as_pictures(np.zeros((2, 16, 16, 1)), path)
