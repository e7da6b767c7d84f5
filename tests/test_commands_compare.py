import pytest

from gan import cli
from gan.lessons import cloud as reports


def test_compare_prints_the_verdict_and_draws_the_losses(tmp_path, monkeypatch, capsys):
    history = {"gen_loss": [1.0, 0.5], "discr_loss": [0.0, 0.2]}
    names = ("Simple_GAN", "WGAN_clip", "WGAN_GP")
    found = {n: reports.Verdict([0.1], [0.0], history) for n in names}
    asked = []
    monkeypatch.setattr(
        reports, "compare_classes", lambda *settings: asked.append(settings) or found
    )
    path = tmp_path / "c.png"
    line = ["lesson", "cloud", "--epochs", "2", "--seeds", "1", "--seed", "7"]
    assert cli.main([*line, "--output", str(path)]) == 0
    assert asked == [(2, 1, 7, print, None)] and path.stat().st_size > 5000
    assert capsys.readouterr().out == f"{reports.conclude(found)}\n{path}\n"


@pytest.mark.parametrize("option", ["--epochs", "--seeds"])
def test_compare_needs_something_to_do(option, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["lesson", "cloud", option, "0"]) == 2
    assert f"argument {option[2:]}" in capsys.readouterr().err
