import numpy as np
import pytest
from conftest import slow_but_first
from PIL import Image

from gan import cli
from gan.generators.trained import TrainedGenerator


def frames(path):
    with Image.open(path) as animation:
        for number in range(animation.n_frames):
            animation.seek(number)
            yield np.asarray(animation.convert("L"))


@pytest.mark.parametrize(
    "shape, rows, columns",
    slow_but_first(("circle", 60, 10), ("star --rays 2", 48, 12)),
)
def test_a_walk_is_an_animation_and_a_strip(
    files, tmp_path, monkeypatch, capsys, shape, rows, columns
):
    seen = []
    usual = TrainedGenerator.outputs

    def spy(generator, latents, *rest):
        fakes = usual(generator, latents, *rest)
        seen.append((latents, fakes))
        return fakes

    monkeypatch.setattr(TrainedGenerator, "outputs", spy)
    options = f"--shape {shape} --generator {files / 'plain.h5'} --output".split()
    twice = shape != "circle"
    outputs = [tmp_path / "a.gif", tmp_path / "b.gif"][: 1 + twice]
    for path in outputs:
        assert cli.main(["walk", *options, str(path)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[:2] == [str(tmp_path / "a.gif"), str(tmp_path / "a.png")]

    latents, fakes = seen[0]
    assert latents.shape == (rows, 16)
    np.testing.assert_allclose(np.linalg.norm(latents, axis=1), 4, rtol=1e-5)
    moving = list(frames(outputs[0]))
    expected = np.rint(255 * fakes[..., 0].clip(0, 1))
    np.testing.assert_array_equal([frame[::8, ::8] for frame in moving], expected)
    assert moving[0].shape == (128, 128)
    with Image.open(tmp_path / "a.png") as strip:
        assert strip.width > columns * 17
    for suffix in (".gif", ".png"):
        assert len({path.with_suffix(suffix).read_bytes() for path in outputs}) == 1


@pytest.mark.parametrize(
    "options, message",
    [
        ("--rays 0", "argument rays"),
        ("--seed -1", "argument seed"),
        ("--output x.bmp", "argument output must end in .png or .pdf or .svg or .gif"),
        ("--output none/x.gif", "none"),
        ("--generator none.h5", "There is nothing at"),
    ],
)
def test_bad_input(options, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["walk", *options.split()]) == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1
    assert not list(tmp_path.iterdir())
