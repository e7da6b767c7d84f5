import json

import numpy as np
import pytest

from gan import cli
from gan.recipes.run import RECIPES


@pytest.mark.parametrize("line", [["train", "--recipe", "list"], ["recipe"]])
def test_they_are_listed(line, capsys):
    assert cli.main(line) == 0
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
    assert cli.main(["recipe", "--output", str(output), *options, "lfw"]) == 0
    assert asked["arguments"] == ("lfw", str(output), "x.npz", 2, None, 3, True, "auto")
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("lfw: ") and printed[0].endswith(" s in this call")
    assert printed[1:] == [str(tmp_path / "a"), str(tmp_path / "b")]


def test_ctrl_c_says_that_it_goes_on(tmp_path, monkeypatch, capsys):
    path = tmp_path / "pair" / "checkpoints" / "epoch-000001.keras"
    path.parent.mkdir(parents=True)

    def train(*arguments, **options):
        if not arguments[6]:
            path.touch()
        raise KeyboardInterrupt

    monkeypatch.setattr("gan.cli.train.train_recipe", train)
    line = ["train", "--recipe", "lfw", "--output", str(tmp_path)]
    assert cli.main(line) == 130
    assert "Give the same command again, without --restart" in capsys.readouterr().out
    # The checkpoint is that of the old run, which the restart has not yet deleted.
    assert cli.main([*line, "--restart"]) == 130
    assert capsys.readouterr().out == "\nStopped before anything new was saved.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mnist"], "argument recipe must be one of 'auto', 'gan',"),
        (["lfw"], "argument output is missing"),
        (["lfw", "--output", "{}", "--epochs", "0"], "argument epochs"),
        (["lfw", "--output", "{}", "--seed", "-1"], "argument seed"),
        (["lfw", "--output", "{}/file"], "must be a folder"),
        (["lfw", "--output", "{}", "--data", "{}/none"], "There is no folder or file"),
        (["lfw", "--output", "{}", "--data", "{}/empty"], "There is no picture in"),
        (["lfw", "--output", "{}", "--data", "{}/small.npz"], "fewer than a batch"),
        (
            ["lfw", "--output", "{}", "--data", "{}/file"],
            "cannot be read as an .npy or",
        ),
        (["lfw", "--output", "{}", "--data", ""], "argument data must be a path"),
        (["mnist_acgan", "--output", "{}", "--data", "{}/x.npz"], "digits with labels"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line(tmp_path, arguments, message, capsys):
    (tmp_path / "file").write_text("text")
    (tmp_path / "empty").mkdir()
    np.savez(tmp_path / "small.npz", x=np.zeros((2, 30, 30), np.uint8))
    np.savez(tmp_path / "x.npz", x=np.zeros((2, 28, 28), np.uint8))
    arguments = [argument.format(tmp_path) for argument in arguments]
    assert cli.main(["train", "--recipe", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "run.json").exists()


@pytest.fixture
def asked(monkeypatch):
    """The arguments with which commands call a recipe, which does not train."""
    asked = []

    def train(*arguments, given, **options):
        asked.append((arguments[:7], given))
        return []

    monkeypatch.setattr("gan.cli.train.train_recipe", train)
    return asked


LINES = {
    "recipe": ["recipe", "lfw", "--pictures", "x.npz", "--epochs", "2", "--restart"],
    "train": ["train", "--recipe", "lfw", "--pictures", "x.npz", "--epochs", "2"],
}


@pytest.mark.parametrize("command", LINES)
@pytest.mark.parametrize(
    "how", ["--config {}", "--config={}", "--conf {}", "--conf={}"]
)
def test_a_run_is_told_again(asked, tmp_path, command, how):
    """`--config run.json` gives the options that are not given otherwise."""
    assert cli.main([*LINES[command], "--output", str(tmp_path / "a")]) == 0
    (arguments, given), path = asked.pop(), tmp_path / "run.json"
    path.write_text(json.dumps({"recipe": "lfw", "told": given}))
    again = [command, *how.format(path).split(), "--seed", "3"]
    assert cli.main([*again, "--output", str(tmp_path / "b")]) == 0
    assert arguments[:4] == ("lfw", str(tmp_path / "a"), "x.npz", 2)
    expected = ("lfw", str(tmp_path / "b"), "x.npz", 2, None, 3, False)
    assert asked.pop()[0] == expected
    if command == "recipe":
        assert cli.main(["recipe", "emoji", *again[1:]]) == 0
        assert asked.pop()[0] == ("emoji", str(tmp_path / "a"), *expected[2:])
        # Version 0.2.0 wrote its records in this form.
        given = given | {"command": "recipe", "name": given["recipe"]}
        given = {
            name: given[name] for name in ("command", "name", "pictures", "epochs")
        }
        path.write_text(json.dumps({"recipe": "lfw", "told": given}))
        assert cli.main([*again, "--output", str(tmp_path / "b")]) == 0
        assert asked.pop()[0] == expected


@pytest.mark.parametrize(
    "given",
    [
        *(
            {"rest": True},
            {"nonsense": None},
            {"config": "x"},
            {"a b": 1},
            {"return": None},
        ),
        *({"epochs": [1]}, {"epochs": {}}, {"epochs": "x"}, {"epochs": 1.5}),
        *({"epochs": True}, {"quiet": "yes"}, {"quiet": 1}, {"restart": "no"}),
        *({"output": "a\0b"}, {"output": "\ud800"}, {"seed": 2**70}, {"output": ""}),
        *({"command": "faces"}, {"command": ["train"]}, {"command": None}),
        *([], None, "", "[" * 100_000, "{", '{"told": {}}', "\xff"),
    ],
)
def test_a_config_that_is_none_is_refused_in_one_line(asked, tmp_path, given, capsys):
    path, usual = tmp_path / "run.json", {"command": "train", "recipe": "lfw"}
    usual |= {"output": str(tmp_path / "run"), "pictures": "x"}
    if isinstance(given, dict):
        given = json.dumps({"recipe": "lfw", "told": usual | given})
    elif not isinstance(given, str):
        given = json.dumps({"recipe": "lfw", "told": given})
    path.write_text(given, encoding="latin-1")
    for place in (path, tmp_path, tmp_path / "none"):
        status = cli.main(["train", "--config", str(place)])
        error = capsys.readouterr().err
        assert status == 2 and error.count("\n") == 1 and not asked, error


def test_train_takes_recipes_and_the_old_name_of_pictures_holds(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "gan.cli.train.train_recipe", lambda *a, given, **o: asked.append(a) or a
    )
    end = ["--output", str(tmp_path)]
    assert cli.main(["train", "--recipe", "lfw", "--pictures", "x", *end]) == 0
    assert cli.main(["recipe", "lfw", "--data", "x", *end]) == 0
    assert asked[0] == asked[1]
