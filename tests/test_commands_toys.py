import pytest

from gan import cli, plots


@pytest.mark.slow
def test_toys_draw_the_circle_and_the_clouds(tmp_path, capsys, monkeypatch):
    drawn = []
    for name in ("points_and_values", "coloured_points"):
        draw = getattr(plots, name)
        monkeypatch.setattr(
            plots, name, lambda *a, draw=draw: drawn.append(a) or draw(*a)
        )
    options = ["--gan", "WGAN_GP", "--epochs", "1", "--output", str(tmp_path / "a.png")]
    assert cli.main(["lesson", "circle", *options]) == 0
    paths = [tmp_path / f"a-{name}.png" for name in ("circle", "clouds")]
    assert capsys.readouterr().out.splitlines() == [str(path) for path in paths]
    assert all(path.stat().st_size > 10_000 for path in paths)
    (real, fake, values, history, title), (clouds, fakes, _, _) = drawn
    assert real.shape == fake.shape == (1000, 2) and values.shape == (64, 64)
    assert clouds.shape == fakes.shape == (1000, 5)
    assert list(history) == ["discr_loss", "gen_loss", "gp"] and "WGAN_GP" in title


@pytest.mark.slow
def test_two_runs_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        output = ["--output", str(tmp_path / f"{name}.png")]
        assert cli.main(["lesson", "circle", "--epochs", "2", *output]) == 0
    for name in ("circle", "clouds"):
        twins = [(tmp_path / f"{run}-{name}.png").read_bytes() for run in "ab"]
        assert twins[0] == twins[1]


@pytest.mark.parametrize(
    "options, message",
    [
        ("--epochs 0", "argument epochs"),
        ("--output x.gif", "argument output"),
        ("--output none/x.png", "none"),
    ],
)
def test_bad_input_is_one_line(options, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["lesson", "circle", *options.split()]) == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1
    assert not list(tmp_path.iterdir())
