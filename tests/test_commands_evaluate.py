import matplotlib.image
import numpy as np

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
    assert capsys.readouterr().out == f"course ours\n{tmp_path / 'e.png'}\n"
    # One generator in two files: the second says "times a half plus a half".
    np.testing.assert_allclose(seen["ours"], seen["course"] * 0.5 + 0.5, atol=1e-6)
    assert matplotlib.image.imread(tmp_path / "e.png").std() > 0.05


def test_evaluate_needs_two_hundred_pictures(files, tmp_path, capsys):
    line = ["evaluate", "--pictures", str(files / "pictures.npy")]
    assert cli.main([*line, "--output", str(tmp_path / "e.png")]) == 2
    expected = "gan: error: Expected at least 200 pictures. Received: N=60\n"
    assert capsys.readouterr().err == expected
    assert not (tmp_path / "e.png").exists()
