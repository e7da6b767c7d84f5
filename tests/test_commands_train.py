import pytest

import gan
from gan import cli


@pytest.mark.slow
def test_train_writes_weights_that_draw(files, tmp_path, capsys):
    run = tmp_path / "new" / "run"
    settings = ["--epochs", "2", "--steps", "2"]
    pictures = ["--pictures", str(files / "pictures.npy")]
    assert cli.main(["train", *pictures, "--output", str(run), *settings]) == 0
    out = capsys.readouterr().out
    assert str(run / "generator.h5") in out
    assert not {"\b", "\r", "\x1b"} & {*out}
    made = ["--generator", str(run / "generator.h5")]
    made += ["--discriminator", str(run / "discriminator.h5")]
    assert cli.main([*made, "--count", "4", "--output", str(tmp_path / "x.png")]) == 0
    mean_face, multiplier = gan.weights.read_picture(run / "generator.h5")
    assert mean_face.shape == multiplier.shape == (16, 16)
