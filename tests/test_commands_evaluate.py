import matplotlib.image
import numpy as np
from PIL import Image

from gan import cli
from gan.evaluation import report as reports


def test_evaluate_judges_the_fakes_the_files_draw(files, tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "real.npy", rng.integers(0, 256, (200, 16, 16), "uint8"))
    seen = {}

    def judge(pictures, generators, seed):
        seen.update({name: make(3) for name, make in generators.items()})
        again = {name: make(3) for name, make in generators.items()}
        assert all((again[name] == seen[name]).all() for name in seen)
        assert pictures.shape == (200, 16, 16) and seed == 5
        return seen, {"real": pictures[:3], **seen}

    monkeypatch.setattr(reports, "evaluate_faces", judge)
    monkeypatch.setattr(reports, "table", lambda given: " ".join(given))
    line = ["evaluate", "--pictures", str(tmp_path / "real.npy"), "--seed", "5"]
    line += ["--generator", str(files / "g.h5"), "--course", str(files / "plain.h5")]
    assert cli.main([*line, "--output", str(tmp_path / "e.png")]) == 0
    out = f"200 pictures, 16x16 grey\ncourse ours\n{tmp_path / 'e.png'}\n"
    assert capsys.readouterr().out == out
    # One generator in two files: the second says "times a half plus a half".
    np.testing.assert_allclose(seen["ours"], seen["course"] * 0.5 + 0.5, atol=1e-6)
    assert matplotlib.image.imread(tmp_path / "e.png").std() > 0.05


def test_json_is_not_mixed_with_what_is_said(files, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reports, "evaluate_faces", lambda *_: ({}, {"real": reals}))
    reals = np.zeros((3, 16, 16), "float32")
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "notes.txt").write_text("no picture")
    for number in range(200):
        Image.new("L", (2, 3)).save(tmp_path / "real" / f"{number}.png")
    line = ["evaluate", "--pictures", str(tmp_path / "real"), "--json", "--generator"]
    line += [str(files / "g.h5"), "--output", str(tmp_path / "e.png")]
    assert cli.main(line) == 0
    out, error = capsys.readouterr()
    assert out.splitlines() == ["{}", str(tmp_path / "e.png")]
    assert "200 cropped to a square; left out 1, not read" in error


def test_evaluate_needs_two_hundred_pictures(files, tmp_path, capsys):
    line = ["evaluate", "--pictures", str(files / "pictures.npy")]
    assert cli.main([*line, "--output", str(tmp_path / "e.png")]) == 2
    expected = "gan: error: Expected at least 200 pictures. Received: N=60\n"
    assert capsys.readouterr().err == expected
    assert not (tmp_path / "e.png").exists()
