import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

import gan

ROOT = pathlib.Path(__file__).resolve().parents[1]
CALLS = {"python main.py": [ROOT / "main.py"], "python -m gan": ["-m", "gan"]}


@pytest.mark.slow
@pytest.mark.parametrize("prog", CALLS)
def test_help_and_errors_name_the_program_as_it_was_called(prog, python, tmp_path):
    shown = python(*CALLS[prog], "--help", cwd=tmp_path)
    assert shown.returncode == 0 and shown.stdout.startswith(f"usage: {prog} ")
    version = python(*CALLS[prog], "--version", cwd=tmp_path)
    assert version.stdout == f"{prog} {gan.__version__}\n"
    refused = python(*CALLS[prog], "--count", "0", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"{prog}: error: The argument count must")


def shell(line, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "30"}
    # With it, errors of writing would be raised in argparse, not in our code.
    environment.pop("PYTHONUNBUFFERED", None)
    run = [sys.executable, "-m", "gan"]
    done = subprocess.run(
        ["bash", "-c", line, "bash", *map(str, run)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
    )
    return done.stdout, done.stderr


def test_a_reader_that_left_ends_the_program_quietly():
    reading, writing = os.pipe()
    os.close(reading)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONUNBUFFERED", None)
    run = subprocess.run(
        [sys.executable, "-m", "gan", "--help"],
        env=environment,
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=900,
    )
    os.close(writing)
    assert (run.returncode, run.stderr) == (141, b"")


@pytest.mark.slow
def test_output_may_be_full_or_closed(tmp_path):
    full = "python -m gan: error: [Errno 28] No space left on device\n2\n"
    assert shell('"$@" --help >/dev/full; echo $? >&2', tmp_path) == ("", full)
    assert shell('"$@" --help >&-; echo $? >&2', tmp_path) == ("", "0\n")
    assert shell('"$@" --count 0 2>&-; echo $?', tmp_path) == ("2\n", "")


@pytest.mark.slow
def test_the_picture_does_not_land_in_a_closed_stream(tmp_path):
    # A file that is opened while descriptor 1 is closed would get this descriptor, and
    # with it all that is printed.
    np.save(tmp_path / "p.npy", np.zeros((1, 16, 16), np.uint8))
    line = '"$@" train --prepare --pictures p.npy --output a.npy >&- 2>&- <&-; echo $?'
    assert shell(line, tmp_path) == ("0\n", "")
    expected = (tmp_path / "p.npy").read_bytes()
    assert (tmp_path / "a.npy").read_bytes() == expected


@pytest.mark.slow
def test_names_outside_the_encoding_are_printed_all_the_same(tmp_path):
    np.save(tmp_path / "p.npy", np.zeros((1, 16, 16), np.uint8))
    line = 'PYTHONIOENCODING=ascii "$@" train --prepare --pictures p.npy --output ±.npy'
    out, error = shell(line, tmp_path)
    assert out.splitlines()[1:] == ["\\xb1.npy", "\\xb1.png"] and error == ""


@pytest.mark.slow
def test_a_home_that_cannot_be_written_is_no_matter(tmp_path):
    np.save(tmp_path / "p.npy", np.zeros((1, 16, 16), np.uint8))
    line = 'env -u MPLCONFIGDIR HOME=/dev/null "$@" train --prepare --pictures p.npy'
    out, error = shell(line, tmp_path)
    assert out.splitlines()[1:] == ["pictures.npy", "pictures.png"] and error == ""
