import re

import pytest

from gan import cli


@pytest.mark.slow
def test_theory_prints_both_values_and_draws_them(tmp_path, capsys):
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path in paths:
        line = ["lesson", "theory", "--epochs", "1", "--output", str(path)]
        assert cli.main(line) == 0
    said, path, *_ = capsys.readouterr().out.splitlines()
    value, limit = map(float, re.findall(r"-\d\.\d{4}", said))
    assert -1.3863 < value < limit == -0.9340
    assert path == str(paths[0])
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_bad_input_is_one_line(capsys):
    assert cli.main(["lesson", "theory", "--epochs", "0"]) == 2
    assert "argument epochs" in capsys.readouterr().err
