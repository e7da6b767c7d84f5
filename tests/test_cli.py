import re
import shlex
import sys
import typing
import warnings

import numpy as np
import pytest
from conftest import slow_but_first
from PIL import Image

from gan import cli
from gan.cli import parser


@pytest.mark.parametrize("command", [[], ["train"]])
def test_help_teaches_without_tensorflow(command, python):
    code = "import sys; from gan import cli\n"
    code += f"try: cli.main({[*command, '--help']!r})\n"
    code += "except SystemExit: print('tensorflow' in sys.modules)"
    run = python("-c", code)
    assert "example" in run.stdout and run.stdout.endswith("False\n")


@pytest.mark.parametrize("command", parser.COMMANDS)
def test_the_example_of_every_command_is_one(command, capsys):
    with pytest.raises(SystemExit, match="^0$"):
        cli.main([*command.split(), "--help"], prog="call me so")
    *_, head, example = capsys.readouterr().out.splitlines()
    assert head == "example:" and example.startswith(f"  call me so {command} ")
    options = shlex.split(example.removeprefix("  call me so "))
    parsed = parser._parser("gan").parse_args(options)
    assert parsed.command is parser.COMMANDS[command]


@pytest.mark.parametrize("name", slow_but_first(*parser.OLD_COMMANDS, single=True))
def test_old_names_are_understood_and_say_what_they_are_called_now(name, capsys):
    """The options are refused, so that the command does nothing."""
    old = parser.OLD_COMMANDS[name]
    needed = ["--pictures", "x"] if name == "pca" else []
    wrong = ["lfw"] if name == "recipe" else ["--seed", "-1", "--output="]
    assert cli.main([name, *needed, *wrong]) == 2
    first, *_ = capsys.readouterr().err.splitlines()
    now = f"{old.now} {old.options}".strip()
    assert first == f"This command is now called gan {now}."
    parsed = parser._parser("gan").parse_args([name, *needed])
    assert parsed.command is parser.COMMANDS[old.now]
    for option, value in old.usual.items():
        assert getattr(parsed, option) == value
    with pytest.raises(SystemExit, match="^0$"):
        cli.main(["--help"])
    listed = capsys.readouterr().out.partition("commands:")[2]
    assert not re.search(rf"^ *{name} ", listed, re.MULTILINE)


def test_the_model_stands_in_its_place_or_behind_its_old_option():
    for line in ("walk x", "walk --generator x", "evaluate --generator=x --pictures p"):
        assert parser._parser("gan").parse_args(line.split()).model == "x"
    assert "model" not in parser._parser("gan").parse_args(["walk", "--rays", "2"])


BAD = {
    "--count 0": "The argument count must be a whole number from 1 to 10000, but it is",
    "--count 10001": "argument count",
    "--count many": "argument --count: invalid int value: 'many'",
    "--seed -1": "argument seed",
    "--seed 4294967296": "argument seed",
    "--output {files}/none/x.png": "path",
    "--output {files}": "path",
    "--output {files}/x.bmp": "output must end in .png or .pdf or .svg, but it is",
    "--generator {files}/none.h5": "There is nothing at",
    "--generator {files}/text.h5": "text.h5",
    "--generator {files}/cut.h5": "truncated file",
    "--generator {files}": "holds no run with a model",
    "--generator {files}/d.h5": "layers",
    "--discriminator {files}/g.h5": "discriminator",
    "--generator {files}/pictures.npy": "pictures.npy",
    "--nonsense": "unrecognized arguments: --nonsense",
    "walk --count 1": "argument count must be a whole number from 2 to 100",
    "walk --count 101": "argument count must be a whole number from 2 to 100",
    "walk --discriminator x": "unrecognized arguments",
    "wlk": "did you mean 'walk'?",
    "lesson": "the following arguments are required: NAME",
    "lesson circel": "did you mean 'circle'?",
    "walk --shape cirle": "did you mean 'circle'?",
    "--output=": "argument output",
    "train --pictures {files}/pictures.npy --output=": "argument output",
    "nonsense": "argument COMMAND: invalid choice: 'nonsense' (choose from",
    "train": "argument pictures is missing",
    "train --output {files}/r": "argument pictures is missing",
    "train --pictures {files}/none.npy --output {files}/r": "There is nothing at",
    "train --pictures {files} --output {files}/r": "picture",
    "train --pictures {files}/g.h5 --output {files}/r": "g.h5",
    "train --pictures {files}/wide.npy --output {files}/r --recipe gan": "16x16",
    "train --pictures {files}/wide.npy --output {files}/r --size 30": "a multiple of 4",
    "train --pictures {files}/objects.npy --output {files}/r": "cannot be read as",
    "train --pictures {files}/few.npy --output {files}/r": "at least",
    "train --pictures {files}/pictures.npy --output {files}/g.h5": "must be a folder",
    "train --pictures {files}/pictures.npy --output {files}/g.h5/r": "must be a folder",
    "train --pictures {files}/pictures.npy --output {files}/r --epochs 0": "epochs",
    "train --pictures {files}/pictures.npy --output {files}/r --steps -2": "steps",
    "train --pictures {files}/pictures.npy --output {files}/r --recipe x": "recipe",
    "train --recipe lfw --size 8 --output {files}/r": "--size does not apply to the",
    "train --pictures {files}/pictures.npy --output {files}/r --lfw": "--lfw does not",
}


@pytest.mark.parametrize("line", BAD)
def test_bad_input_is_one_line_and_status_2(
    files, networks, line, capsys, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    arguments = line.format(files=files).split()
    network_command = arguments[0].startswith("--")
    given = [o.partition("=")[0] for o in arguments if o.startswith("--")]
    if network_command:
        for name, value in zip(networks[::2], networks[1::2], strict=True):
            if name not in given:
                arguments += [name, value]
    status, err = cli.main(arguments), capsys.readouterr().err
    assert status == 2 and err.startswith("gan: error: ")
    assert BAD[line] in err and err.count("\n") == 1
    assert not list(tmp_path.iterdir()) and not (files / "r" / "generator.h5").exists()


# The options that take numbers, except --class, whose values the model decides.
NUMBERS = [
    (command, name)
    for command, function in parser.COMMANDS.items()
    for name, kind in typing.get_type_hints(function).items()
    if {int, float} & {kind, *typing.get_args(kind)}
    and name not in ("return", "class_")
]
NEEDED = {
    "train": "--pictures {files}/pictures.npy --output {new}",
    "evaluate": "--pictures {files}/pictures.npy",
    "lesson pca": "--pictures {files}/pictures.npy",
    "project": "--picture {files}/pictures.npy",
    "translate": "--pictures {files}/pictures.npy --output {new}",
    "edit": "--picture {files}/pictures.npy --towards brightness",
}


@pytest.mark.parametrize(("command", "name"), slow_but_first(*NUMBERS))
def test_numbers_that_nobody_can_mean_are_refused_at_once(
    command, name, files, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    for module in ("shared", "draw", "evaluate", "lessons", "page", "train"):
        # A refusal before any work comes before TensorFlow is imported.
        monkeypatch.setattr(f"gan.cli.{module}.import_tensorflow", None, raising=False)
    needed = NEEDED.get(command, "").format(files=files, new=tmp_path / "new").split()
    option = f"--{name.rstrip('_').replace('_', '-')}"
    for number in ("1" + 30 * "0", "-7", str(2**64), "nan", "1e999"):
        if (name, number) == ("amount", "-7"):
            # A negative amount removes the attribute.
            continue
        values = [number] * (2 if name == "range" else 1)
        status = cli.main([*command.split(), *needed, option, *values])
        error = capsys.readouterr().err
        assert status == 2 and error.count("\n") == 1, (number, error)
        assert option.strip("-") in error or name == "range"
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_nothing_is_read_from_docstrings(python, tmp_path):
    names = [*parser.COMMANDS, *parser.OLD_COMMANDS]
    code = f"""if True:
        import gan
        from gan import cli
        [getattr(gan, name) for name in dir(gan)]
        for line in [[], *[name.split() for name in {names}]]:
            try:
                cli.main([*line, "--help"], "python -m gan")
            except SystemExit as stop:
                assert stop.code == 0
        raise SystemExit(cli.main(["--count", "2", "--output", "x.png"]))
    """
    run = python("-OO", "-c", code, cwd=tmp_path, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("example") == 1 + len(names)
    plain = python("-m", "gan", "train", "--help").stdout
    assert plain.partition("\n\n")[2] in run.stdout


HOSTILE = "\x1b[2J\x1b]0;title\x07\r\b\x9b31m\u202efed"


@pytest.mark.parametrize(
    "line",
    slow_but_first(
        [HOSTILE],
        [f"--{HOSTILE}\nx"],
        ["--count", HOSTILE],
        ["--generator", HOSTILE],
        ["--output", f"{HOSTILE}/x.png"],
        ["train", "--pictures", HOSTILE, "--output", "r"],
        ["train", "--config", HOSTILE],
        ["train", "--recipe", HOSTILE],
        ["diagnose", HOSTILE],
        ["train", "--prepare", "--pictures", ".", "--output", f"{HOSTILE}.npy"],
        ["train", "--recipe", "lfw", "--output", HOSTILE],
        single=True,
    ),
)
def test_no_name_moves_the_cursor_or_sets_colours(line, tmp_path, monkeypatch, capsys):
    def train(*arguments, **options):
        print(f"Going on from {arguments[1]}")
        print("no such thing", arguments[1], file=sys.stderr)
        return [arguments[1]]

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("gan.cli.train.train_recipe", train)
    Image.new("L", (16, 16)).save("a.png")
    (tmp_path / f"{HOSTILE}.txt").write_text("no picture")
    streams = sys.stdout, sys.stderr
    for _ in range(2):  # the second call replaces what the first has written
        try:
            cli.main(line)
        except SystemExit:
            pass
    assert (sys.stdout, sys.stderr) == streams
    printed = "".join(capsys.readouterr())
    assert "2J" in printed
    assert all(line.isprintable() for line in printed.split("\n")), printed


def test_the_bar_of_training_still_moves(monkeypatch, capsys, tmp_path):
    import keras

    def train(*arguments, **options):
        keras.utils.Progbar(10).update(3)
        return []

    monkeypatch.setattr("gan.cli.train.train_recipe", train)
    assert cli.main(["train", "--recipe", "lfw", "--output", str(tmp_path)]) == 0
    assert "\r\x1b[1m 3/10\x1b[0m" in capsys.readouterr().out


def test_warnings_are_one_line(monkeypatch, capsys):
    usual = warnings.formatwarning

    def run(argv, prog):
        print(warnings.formatwarning("two\nlines", UserWarning, "file.py", 3), end="")

    monkeypatch.setattr(parser, "_run", run)
    cli.main([])
    assert capsys.readouterr().out == "gan: warning: two lines\n"
    assert warnings.formatwarning is usual


def test_interrupt_is_quiet(monkeypatch, networks, tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("gan.generators.trained.in_parts", interrupt)
    output = ["--output", str(tmp_path / "x.png")]
    assert cli.main([*networks, *output]) == 130
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        "evaluate {files}/g.h5 --pictures {files}/many.npy",
        "lesson cloud --epochs 1 --seeds 1",
    ],
)
def test_two_runs_print_and_draw_the_same(line, files, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    np.save(files / "many.npy", rng.integers(0, 256, (200, 16, 16), "uint8"))
    command = [*line.format(files=files).split(), "--output", "x.png", "--seed"]
    seen = []
    for seed in ("3", "3", "4"):
        assert cli.main([*command, seed]) == 0
        seen.append((capsys.readouterr().out, (tmp_path / "x.png").read_bytes()))
    assert seen[0] == seen[1] != seen[2]


ENVIRONMENTS = {
    "MPLBACKEND": ("nonsense", "MPLBACKEND"),
    "KERAS_BACKEND": ("torch", "KERAS_BACKEND=tensorflow|No module named .torch"),
}


@pytest.mark.parametrize("name", slow_but_first(*ENVIRONMENTS))
@pytest.mark.slow
def test_a_wrong_environment_is_one_line(name, python, tmp_path, monkeypatch):
    value, said = ENVIRONMENTS[name]
    monkeypatch.setenv(name, value)
    code = "import sys; from gan.cli import main; sys.exit(main(sys.argv[1:]))"
    run = python("-c", code, "walk", "--output", str(tmp_path / "x.png"), check=False)
    lines = [line for line in run.stderr.splitlines() if "error" in line]
    assert run.returncode == 2 and len(lines) == 1 and re.search(said, lines[0])
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("module", slow_but_first("tensorflow", "matplotlib"))
def test_what_is_not_installed_is_one_line(module, python, tmp_path):
    code = f"import sys; sys.modules[{module!r}] = None\n"
    code += "from gan.cli import main; sys.exit(main(sys.argv[1:]))"
    run = python("-c", code, "walk", "--output", str(tmp_path / "x.png"), check=False)
    assert run.returncode == 2 and "Traceback" not in run.stderr, run.stderr
    assert module in run.stderr.splitlines()[-1]


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_shells_complete_commands_and_options(shell, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--print-completion", shell])
    printed = capsys.readouterr().out
    assert not stop.value.code and "generate" in printed and "--truncation" in printed
