import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
CALLS = {"python main.py": [ROOT / "main.py"], "python -m gan": ["-m", "gan"]}


@pytest.mark.parametrize("prog", CALLS)
def test_help_and_errors_name_the_program_as_it_was_called(prog, python, tmp_path):
    shown = python(*CALLS[prog], "--help", cwd=tmp_path)
    assert shown.returncode == 0 and shown.stdout.startswith(f"usage: {prog} ")
    refused = python(*CALLS[prog], "--count", "0", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"{prog}: error: Expected count to be a positive")
