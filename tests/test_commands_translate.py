"""The commands that train, run and evaluate models that translate pictures."""

import dataclasses
import json
import signal

import keras
import numpy as np
import pytest
from conftest import slow_but_first
from PIL import Image

import gan
from gan import cli
from gan.data.pairs import read_pairs
from gan.recipes import translation


def write(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)


def pictures(count, side=16, channels=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, side, side, channels), np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for number, picture in enumerate(pictures(24)):
        write(folder / f"{number:02d}.png", picture)
    return folder


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    """A run of one step, trained in the process of the tests."""
    run = tmp_path_factory.mktemp("run") / "filled"
    told = ["train", "--pictures", str(folder), "--from", "hole:4", "--size", "16"]
    told += ["--output", str(run), "--epochs", "1", "--steps", "1", "--quiet"]
    assert cli.main(told) == 0
    return run


def test_two_folders_of_equal_names(tmp_path):
    first, second = pictures(3), pictures(3, seed=1)
    for number in range(3):
        write(tmp_path / "A" / f"{number}.png", first[number])
        write(tmp_path / "B" / f"{number}.bmp", second[number])
    write(tmp_path / "A" / "alone.png", first[0])
    found = read_pairs(tmp_path, (16, 16))
    np.testing.assert_array_equal(found.inputs, first)
    np.testing.assert_array_equal(found.targets, second)
    assert found.said.startswith(
        "3 pairs, 16x16, colour to colour; left out 1, without"
    )


def test_two_pictures_side_by_side_and_parts_of_a_set(tmp_path):
    first, second = pictures(2, channels=1), pictures(2, seed=1)
    for number in range(2):
        grey = np.repeat(first[number], 3, axis=2)
        both = np.concatenate([grey, second[number]], axis=1)
        write(tmp_path / "train" / f"{number}.png", both)
        write(tmp_path / "val" / f"{number}.png", both)
    write(tmp_path / "train" / "square.png", second[0])
    found = read_pairs(tmp_path, (16, 16))
    np.testing.assert_array_equal(found.inputs, first)
    np.testing.assert_array_equal(found.targets, second)
    assert "grey to colour" in found.said and "not two pictures" in found.said
    with pytest.raises(gan.InvalidInput, match="no training part"):
        (tmp_path / "train").rename(tmp_path / "test")
        read_pairs(tmp_path)


def test_within_both_folders_train_is_read(tmp_path):
    for side, seed in (("A", 0), ("B", 1)):
        for part, number in (("train", 0), ("test", 1)):
            write(tmp_path / side / part / "x.png", pictures(2, seed=seed)[number])
    found = read_pairs(tmp_path, (16, 16))
    np.testing.assert_array_equal(found.inputs, pictures(2)[:1])


def test_no_pairs(tmp_path):
    for name in ("A", "B"):
        write(tmp_path / name / f"{name}.png", pictures(1)[0])
    with pytest.raises(gan.InvalidInput, match="no pair in the folder"):
        read_pairs(tmp_path)
    with pytest.raises(gan.InvalidInput, match="no folder"):
        read_pairs(tmp_path / "C")


def test_train_says_how_good_it_is(run, capsys):
    """The run's record names the option; held-out pictures were measured and drawn."""
    record = json.loads((run / "run.json").read_text())
    assert record["recipe"] == "translation" and record["told"]["from_"] == "hole:4"
    with Image.open(run / "image_at_epoch_0001.png") as image:
        assert image.height > image.width  # Two held-out pictures are in three rows.
    assert gan.load_translator(run).masked


def test_translate_fills_what_is_transparent(run, folder, tmp_path, capsys):
    source = tmp_path / "in"
    opaque = pictures(1)[0]
    write(source / "whole.png", opaque)
    alpha = np.full((16, 16, 1), 255, np.uint8)
    alpha[:3, :5] = 0
    write(source / "deep" / "cut.png", np.concatenate([opaque, alpha], axis=2))
    (source / "notes.txt").write_text("no picture")
    out = tmp_path / "out"
    told = ["translate", str(run), "--pictures", str(source), "--output", str(out)]
    assert cli.main(told) == 0
    said = capsys.readouterr().out
    assert "2 pictures" in said and "notes.txt" in said
    whole, cut = (
        np.asarray(Image.open(out / name)) for name in ("whole.png", "deep/cut.png")
    )
    # Outside the hole each picture is as it was, to the last of its 256 levels.
    np.testing.assert_array_equal(whole[:6], opaque[:6])
    np.testing.assert_array_equal(cut[3:], opaque[3:])
    np.testing.assert_array_equal(cut[:3, 5:], opaque[:3, 5:])
    assert (whole[6:10, 6:10] != opaque[6:10, 6:10]).any()
    assert cli.main(told) == 2
    assert "must be a new or empty folder" in capsys.readouterr().err


def test_translate_takes_one_picture_too(run, tmp_path, capsys):
    source = tmp_path / "mein bïld.png"
    write(source, pictures(1, side=40)[0, :24])
    told = ["translate", str(run), "--output", str(tmp_path / "out"), "--pictures"]
    assert cli.main([*told, str(source)]) == 0
    assert "\n1 picture\n" in "\n" + capsys.readouterr().out
    with Image.open(tmp_path / "out" / source.name) as image:
        assert image.size == (16, 16)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("text.png", "no picture in the file"),
        ("empty.png", "no picture in the file"),
        ("folder.png", "no picture in the folder"),
        ("none.png", "no folder or file"),
    ],
)
def test_translate_refuses_what_holds_no_picture(run, name, said, tmp_path, capsys):
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    out = tmp_path / "out"
    told = ["translate", str(run), "--pictures", str(tmp_path / name)]
    assert cli.main([*told, "--output", str(out)]) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1 and not out.exists()


def test_evaluate_compares_with_the_targets(run, folder, tmp_path, capsys):
    picture = tmp_path / "rows.png"
    told = ["evaluate", str(run), "--pictures", str(folder), "--output", str(picture)]
    assert cli.main([*told, "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out.splitlines()[0])
    assert [*found] == ["model", "input", "mean", "linear"]
    assert "The PSNR is measured inside the hole." in err and picture.exists()
    # The input shows the target around the hole, so its target is the nearest one.
    assert found["model"]["psnr"] > 8 and found["input"]["top_1"] == 1


@pytest.mark.parametrize(
    "command", slow_but_first("generate", "walk", "diagnose", single=True)
)
def test_commands_for_latents_say_one_sentence(run, command, tmp_path, capsys):
    assert cli.main([command, str(run / "model.keras")]) == 2
    err = capsys.readouterr().err
    assert "makes pictures from pictures" in err and err.count("\n") == 1


@pytest.mark.slow
def test_export_writes_the_network_alone(run, tmp_path, capsys):
    path = tmp_path / "alone.keras"
    assert cli.main(["export", str(run), "--output", str(path)]) == 0
    assert "on 100 inputs" in capsys.readouterr().out
    inputs = np.random.default_rng(0).uniform(size=(2, 16, 16, 4)).astype("float32")
    wanted = gan.load_translator(run).outputs(inputs)
    np.testing.assert_allclose(keras.models.load_model(path)(inputs), wanted, atol=1e-5)


@pytest.mark.slow
def test_train_on_pairs_goes_on_where_it_stopped(tmp_path, capsys, monkeypatch):
    first, second = pictures(20), pictures(20, seed=1)
    for number in range(20):
        write(tmp_path / "pairs" / "A" / f"{number}.png", first[number])
        write(tmp_path / "pairs" / "B" / f"{number}.png", second[number])
    told = ["train", "--pairs", str(tmp_path / "pairs"), "--size", "16", "--quiet"]
    told += ["--steps", "2", "--epochs", "2", "--output"]
    assert cli.main([*told, str(tmp_path / "whole")]) == 0

    def stop(model, data):
        signal.raise_signal(signal.SIGINT)
        return translation.draw(model, data)

    usual = translation.RECIPE_OF_PARTS
    stopping = dataclasses.replace(usual, draw=stop)
    monkeypatch.setattr(translation, "RECIPE_OF_PARTS", stopping)
    assert cli.main([*told, str(tmp_path / "stopped")]) == 130
    assert not (tmp_path / "stopped" / "model.keras").exists()
    monkeypatch.setattr(translation, "RECIPE_OF_PARTS", usual)
    assert cli.main([*told, str(tmp_path / "stopped")]) == 0
    paths = [tmp_path / name / "model.keras" for name in ("whole", "stopped")]
    weights = [gan.load_model(path).generator.get_weights() for path in paths]
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert "nearest is the right one" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (["--from", "shrunk:4"], "Give either --pairs DIR"),
        (["--pairs", "x", "--pictures", "y"], "Give either --pairs DIR"),
        (["--pairs", "x", "--from", "grey"], "say|Give either|what"),
        (["--pictures", "x", "--from", "blur"], "must be shrunk:FACTOR"),
        (["--pairs", "x", "--recipe", "r3gan"], "do not apply to the recipe r3gan"),
        (["--pairs", "x", "--augment"], "--augment does not apply"),
        (["--pairs", "x", "--size", "30"], "multiple of 4"),
    ],
)
def test_what_train_refuses(told, words, tmp_path, capsys):
    assert cli.main(["train", *told, "--output", str(tmp_path / "run")]) == 2
    err = capsys.readouterr().err
    assert any(word in err for word in words.split("|")) and err.count("\n") == 1
    assert not (tmp_path / "run").exists()
