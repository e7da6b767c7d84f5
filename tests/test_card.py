"""A model card: what it says, and that the model in it opens from a hub."""

import json
import re
import types

import keras
import numpy as np
import pytest
import yaml

import gan
from gan import cli


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Folder of a run with two classes, one of which has a hostile name."""
    folder = tmp_path_factory.mktemp("run")
    keras.utils.set_random_seed(0)
    parts = gan.residual_GenDiscr((8, 8, 3), 4, 2, classes=2)
    real = np.random.default_rng(0).random((250, 8, 8, 3)).astype("f4")
    options = {"class_names": ["cat", "<b>|dog`"], "pixel_range": (0, 0.8)}
    labels = np.arange(250) % 2
    model = gan.R3GAN(*parts, (0.8 * real, labels), batch_size=8, **options)
    model.save(folder / "model.keras")
    told = {"command": "train", "pictures": "/home/me/photos", "output": "/x/run"}
    told |= {"minutes": 2.0, "size": None, "grey": False, "augment": True}
    record = {"recipe": "r3gan", "seed": 7, "told": told, "epochs": 3}
    (folder / "run.json").write_text(json.dumps(record))
    np.savez(folder / "real.npz", x=np.uint8(255 * real), y=labels)
    return folder


@pytest.fixture(scope="module")
def card(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("card") / "card"
    options = ["--to", "card", "--output", str(folder)]
    assert cli.main(["export", str(run), *options]) == 0
    return folder


def test_a_card_says_what_a_hub_reads(card):
    head, text = (card / "README.md").read_text("utf-8").split("---\n", 2)[1:]
    told = yaml.safe_load(head)
    assert told["library_name"] == "keras" and told["license"] == "unknown"
    assert told["pipeline_tag"] == "unconditional-image-generation"
    assert "8×8 pixels in colour" in text and "| seed | 7 |" in text
    command = "gan train --pictures photos --output run --minutes 2.0 --augment"
    assert command in text and "/home" not in text
    assert "cat, &lt;b>\\|dog'" in text and "Nothing was measured" in text


def test_a_hub_s_files_open_and_draw_as_the_card_says(run, card, monkeypatch, tmp_path):
    names = {path.name for path in card.iterdir()}
    hub = {"config.json", "metadata.json", "model.weights.h5"}
    assert names == hub | {"README.md", "generator.keras", "page.html", "samples.png"}
    asked = []

    def snapshot_download(repo_id, **options):
        asked.append(repo_id)
        return str(card)

    faked = types.SimpleNamespace(snapshot_download=snapshot_download)
    monkeypatch.setattr("keras.src.saving.saving_lib.huggingface_hub", faked)
    text = (card / "README.md").read_text("utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    found = {}
    exec(block.replace("generator.keras", "hf://me/mine"), found)
    assert asked == ["me/mine"] and found["pictures"].shape == (16, 8, 8, 3)
    given = found["latents"], np.arange(16) % 2
    wanted = gan.load_generator(run).draw(*given).clip(0, 1)
    np.testing.assert_allclose(found["pictures"], wanted, atol=1e-5)
    monkeypatch.chdir(card)
    exec(block, found)
    np.testing.assert_allclose(found["pictures"], wanted, atol=1e-5)


@pytest.mark.slow
def test_a_card_with_measures(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("gan.metrics.registry._RESAMPLES", 2)
    folder = tmp_path / "card"
    options = ["--to", "card", "--pictures", str(run / "real.npz")]
    assert cli.main(["export", str(run), *options, "--output", str(folder)]) == 0
    head, text = (folder / "README.md").read_text("utf-8").split("---\n", 2)[1:]
    (result,) = yaml.safe_load(head)["model-index"][0]["results"]
    assert [one["type"] for one in result["metrics"]] == [*gan.metrics.NAMES]
    assert re.search(r"\| FD \| [\d.]+ \| [\d.]+ to [\d.]+ \| [\d.]+ \| lower \|", text)
    assert "| measured against | 250 pictures, real.npz |" in text


@pytest.mark.parametrize(
    "options, argument",
    [
        (["--to", "card", "--output", "."], "output"),
        (["--to", "card", "--output", "x.keras"], "output"),
        (["--to", "onnx", "--pictures", "x.npy"], "pictures"),
        (["--to", "card", "--pictures", "x.npy"], "x.npy"),
    ],
)
def test_what_a_card_refuses(run, options, argument, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["export", str(run), *options]) == 2
    said = capsys.readouterr().err
    assert argument in said and said.count("\n") == 1 and not [*tmp_path.iterdir()]
