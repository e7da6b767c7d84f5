import re
import shlex

import numpy as np
import pytest
from conftest import slow_but_first

from gan import cli
from gan.cli import parser, shared


@pytest.mark.parametrize("command", [[], ["train"]])
def test_help_teaches_without_tensorflow(command, python):
    code = "import sys; from gan import cli\n"
    code += f"try: cli.main({[*command, '--help']!r})\n"
    code += "except SystemExit: print('tensorflow' in sys.modules)"
    run = python("-c", code)
    assert "example" in run.stdout and run.stdout.endswith("False\n")


@pytest.mark.parametrize("command", [command.__name__ for command in parser.COMMANDS])
def test_the_example_of_every_command_is_one(command, capsys):
    with pytest.raises(SystemExit, match="^0$"):
        cli.main([command, "--help"], prog="call me so")
    *_, head, example = capsys.readouterr().out.splitlines()
    assert head == "example:" and example.startswith(f"  call me so {command} ")
    options = shlex.split(example.removeprefix("  call me so "))
    parsed = parser._parser("gan").parse_args(options)
    assert parsed.command.__name__ == command


BAD = {
    "--count 0": "Expected count to be a positive integer. Received: count=0",
    "--count 10001": "Expected count of at most 10000",
    "--count many": "argument --count: invalid int value: 'many'",
    "--seed -1": "seed to be an integer from 0 to 4294967295. Received: seed=-1",
    "--seed 4294967296": "seed to be an integer from 0",
    "--output {files}/none/x.png": "Expected a path in an existing directory",
    "--output {files}": "Expected a file path, not a directory",
    "--output {files}/x.bmp": "Expected an output that ends in .png",
    "--generator {files}/none.h5": "Expected a file of weights at",
    "--generator {files}/text.h5": "Expected a readable file of weights at",
    "--generator {files}/cut.h5": "truncated file",
    "--generator {files}": "Expected the folder of a run that has ended",
    "--generator {files}/d.h5": "(7 layers with weights). Received: layers=5",
    "--discriminator {files}/g.h5": "Expected the weights of 'discriminator' in",
    "--generator {files}/pictures.npy": "Expected a readable file of weights",
    "--nonsense": "unrecognized arguments: --nonsense",
    "segment --count 1": "Expected count from 2 to 100",
    "segment --count 101": "Expected count from 2 to 100",
    "segment --discriminator x": "unrecognized arguments",
    "segmnt": "did you mean 'segment'?",
    "walk --shape cirle": "did you mean 'circle'?",
    "--output=": "Expected output to be a path",
    "train --pictures {files}/pictures.npy --output=": "output to be a path",
    "nonsense": "argument COMMAND: invalid choice: 'nonsense' (choose from",
    "train": "Expected --output DIR",
    "train --pictures {files}/none.npy --output {files}/r": "Expected an existing fold",
    "train --pictures {files} --output {files}/r": "Expected at least one picture",
    "train --pictures {files}/g.h5 --output {files}/r": "Expected a readable .npy or",
    "train --pictures {files}/wide.npy --output {files}/r --recipe gan": "of size",
    "train --pictures {files}/wide.npy --output {files}/r --size 30": "a multiple of 4",
    "train --pictures {files}/objects.npy --output {files}/r": "a readable .npy",
    "train --pictures {files}/few.npy --output {files}/r": "Expected at least",
    "train --pictures {files}/pictures.npy --output {files}/g.h5": "Expected a folder",
    "train --pictures {files}/pictures.npy --output {files}/g.h5/r": "Expected a fold",
    "train --pictures {files}/pictures.npy --output {files}/r --epochs 0": "epochs to",
    "train --pictures {files}/pictures.npy --output {files}/r --steps -2": "steps to",
    "train --pictures {files}/pictures.npy --output {files}/r --recipe x": "recipe to",
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
    try:
        status = cli.main(arguments)
    except SystemExit as stop:
        status = stop.code
    err = capsys.readouterr().err
    assert status == 2
    assert BAD[line] in err and err.count("\n") == 1
    assert not list(tmp_path.iterdir()) and not (files / "r" / "generator.h5").exists()


def test_interrupt_is_quiet(monkeypatch, networks, tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(shared.Generator, "fakes", interrupt)
    output = ["--output", str(tmp_path / "x.png")]
    assert cli.main([*networks, *output]) == 130
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        "evaluate --pictures {files}/many.npy --generator {files}/g.h5",
        "compare --epochs 1 --seeds 1",
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
    run = python(
        "-c", code, "segment", "--output", str(tmp_path / "x.png"), check=False
    )
    lines = [line for line in run.stderr.splitlines() if "error" in line]
    assert run.returncode == 2 and len(lines) == 1 and re.search(said, lines[0])
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("module", slow_but_first("tensorflow", "matplotlib"))
def test_what_is_not_installed_is_one_line(module, python, tmp_path):
    code = f"import sys; sys.modules[{module!r}] = None\n"
    code += "from gan.cli import main; sys.exit(main(sys.argv[1:]))"
    run = python(
        "-c", code, "segment", "--output", str(tmp_path / "x.png"), check=False
    )
    assert run.returncode == 2 and "Traceback" not in run.stderr, run.stderr
    assert module in run.stderr.splitlines()[-1]


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_shells_complete_commands_and_options(shell, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--print-completion", shell])
    printed = capsys.readouterr().out
    assert not stop.value.code and "generate" in printed and "--truncation" in printed
