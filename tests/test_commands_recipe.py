import json

import numpy as np
import pytest

from gan import cli
from gan.recipes.run import RECIPES


def test_without_a_name_they_are_listed(capsys):
    assert cli.main(["recipe"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [*RECIPES]
    assert max(map(len, lines)) < 80


def test_a_recipe_says_what_it_wrote(tmp_path, monkeypatch, capsys):
    asked = {}

    def train(*arguments, **options):
        asked.update(arguments=arguments, **options)
        return [tmp_path / "a", tmp_path / "b"]

    monkeypatch.setattr("gan.cli.train.train_recipe", train)
    output = tmp_path / "new" / "run"
    options = ["--data", "x.npz", "--epochs", "2", "--seed", "3", "--restart"]
    assert cli.main(["recipe", "lfw", "--output", str(output), *options]) == 0
    assert asked["arguments"] == ("lfw", str(output), "x.npz", 2, None, 3, True, 2)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("lfw: ") and printed[0].endswith(" s this call")
    assert printed[1:] == [str(tmp_path / "a"), str(tmp_path / "b")]


def test_ctrl_c_says_that_it_goes_on(tmp_path, monkeypatch, capsys):
    path = tmp_path / "pair" / "checkpoints" / "epoch-000001.keras"
    path.parent.mkdir(parents=True)

    def train(*arguments, told):
        if not arguments[6]:
            path.touch()
        raise KeyboardInterrupt

    monkeypatch.setattr("gan.cli.train.train_recipe", train)
    assert cli.main(["recipe", "lfw", "--output", str(tmp_path)]) == 130
    assert "The same command, without --restart, goes on." in capsys.readouterr().out
    # What is there is of the old run, which the restart has not got to.
    assert cli.main(["recipe", "lfw", "--output", str(tmp_path), "--restart"]) == 130
    assert capsys.readouterr().out == "\nStopped before anything new was saved.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mnist"], "recipe to be one of 'gaussian', 'mnist_dense'"),
        (["lfw"], "Expected --output DIR"),
        (["lfw", "--output", "{}", "--epochs", "0"], "epochs to be a positive"),
        (["lfw", "--output", "{}", "--seed", "-1"], "seed to be an integer from 0"),
        (["lfw", "--output", "{}/file"], "Expected a folder"),
        (["lfw", "--output", "{}", "--data", "{}/none"], "an existing folder or file"),
        (["lfw", "--output", "{}", "--data", "{}/empty"], "at least one picture"),
        (["lfw", "--output", "{}", "--data", "{}/small.npz"], "at least batch_size"),
        (
            ["lfw", "--output", "{}", "--data", "{}/file"],
            "a readable .npy or",
        ),
        (["lfw", "--output", "{}", "--data", ""], "data to be a path"),
        (["mnist_acgan", "--output", "{}", "--data", "{}/x.npz"], "digits with labels"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line(tmp_path, arguments, message, capsys):
    (tmp_path / "file").write_text("text")
    (tmp_path / "empty").mkdir()
    np.savez(tmp_path / "small.npz", x=np.zeros((2, 30, 30), np.uint8))
    np.savez(tmp_path / "x.npz", x=np.zeros((2, 28, 28), np.uint8))
    arguments = [argument.format(tmp_path) for argument in arguments]
    assert cli.main(["recipe", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "run.json").exists()


def test_a_run_is_told_again(tmp_path, monkeypatch, capsys):
    """`--config run.json` gives the options that are not given otherwise."""
    asked = []
    monkeypatch.setattr(
        "gan.cli.train.train_recipe", lambda *a, told, **o: asked.append((a, told)) or a
    )
    first = ["recipe", "lfw", "--pictures", "x.npz", "--epochs", "2", "--restart"]
    assert cli.main([*first, "--output", str(tmp_path / "a")]) == 0
    (arguments, told), path = asked.pop(), tmp_path / "run.json"
    path.write_text(json.dumps({"recipe": "lfw", "told": told}))
    again = ["recipe", "--config", str(path), "--output", str(tmp_path / "b")]
    assert cli.main([*again, "--seed", "3"]) == 0
    expected = ("lfw", str(tmp_path / "b"), "x.npz", 2, None, 3, False, 2)
    assert asked[0][0] == expected and arguments[:4] == (
        "lfw",
        str(tmp_path / "a"),
        "x.npz",
        2,
    )
    capsys.readouterr()
    for text, message in (("[]", "the run.json of a run"), (None, "FileNotFound")):
        path.unlink() if text is None else path.write_text(text)
        assert cli.main(again) == 2
        assert message in capsys.readouterr().err
    path.write_text(json.dumps({"told": told}))
    assert cli.main(["train", *again[1:]]) == 2
    assert "the command of that run, recipe" in capsys.readouterr().err


def test_train_takes_recipes_and_the_old_name_of_pictures_holds(
    tmp_path, monkeypatch, capsys
):
    asked = []
    monkeypatch.setattr(
        "gan.cli.train.train_recipe", lambda *a, told, **o: asked.append(a) or a
    )
    end = ["--output", str(tmp_path)]
    assert cli.main(["train", "--recipe", "lfw", "--pictures", "x", *end]) == 0
    assert cli.main(["recipe", "lfw", "--data", "x", *end]) == 0
    assert asked[0] == asked[1]
    assert cli.main(["train", "--recipe", "lfw", "--size", "8", *end]) == 2
    assert "without them, --recipe lfw" in capsys.readouterr().err
