import re

import numpy as np
import pytest
from conftest import slow_but_first
from scipy import stats

from gan import cli, plots
from gan.metrics.pca import fit_pca

NAMES = ["fakes", "reconstructions", "histograms", "chi2"]


@pytest.fixture
def pictures(tmp_path):
    """Pictures of random contrast, whose whitened coordinates are thus dependent."""
    rng = np.random.default_rng(0)
    contrast = np.exp(0.4 * rng.standard_normal((300, 1, 1)))
    array = 0.5 + 0.05 * contrast * rng.standard_normal((300, 16, 16))
    np.save(tmp_path / "pictures.npy", array.clip(0, 1))
    return tmp_path / "pictures.npy"


@pytest.mark.slow
def test_pca_draws_four_pictures_with_true_distances(
    files, pictures, tmp_path, capsys, monkeypatch
):
    drawn = []

    def histograms(samples, density, label, title):
        drawn.append((samples, density))
        # Forty-nine panels take seconds; test_plots draws them.
        shares = np.array([*samples.values()])[:, :100]
        return plots.mosaic(shares.reshape(-1, 10, 10).clip(0, 1), title=title)

    monkeypatch.setattr(plots, "histograms_and_density", histograms)
    options = ["--pictures", str(pictures), "--generator", str(files / "g.h5")]
    for name in ("a", "b"):
        output = ["--depth", "60", "--output", str(tmp_path / f"{name}.png")]
        assert cli.main(["lesson", "pca", *options, *output]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[:4] == [str(tmp_path / f"a-{name}.png") for name in NAMES]
    for name in NAMES:
        twins = [(tmp_path / f"{run}-{name}.png").read_bytes() for run in ("a", "b")]
        assert twins[0] == twins[1]

    coordinates, chi2, *_ = drawn
    assert list(coordinates[0]) == [str(i) for i in range(1, 50)]
    real = np.load(pictures)
    z = fit_pca(real).coordinates(real, 49)
    np.testing.assert_allclose(list(coordinates[0].values()), z.T, atol=1e-3)
    lengths = list(chi2[0].values())
    assert [name.split("\n")[0] for name in chi2[0]] == [
        "real",
        "real, each coordinate shuffled",
        "PCA fakes",
        "GAN fakes",
    ]
    np.testing.assert_allclose(lengths[0], (z**2).sum(axis=1), rtol=1e-3)
    for title, some in chi2[0].items():
        law, gap = map(float, re.findall(r"\d\.\d{3}", title))
        expected = stats.kstest(some, stats.chi2(49).cdf).statistic
        np.testing.assert_allclose(law, expected, atol=1e-3)
        expected = stats.ks_2samp(lengths[0], some).statistic
        np.testing.assert_allclose(gap, expected, atol=5e-3)
    x, density = chi2[1]
    np.testing.assert_allclose(density, stats.chi2(49).pdf(x), atol=1e-12)


def test_of_the_real_faces_only_the_shuffled_follow_chi2(shared):
    real = np.load(shared("small_res_faces_10000.npy")) / 255
    z = fit_pca(real).coordinates(real, 49)
    shuffled = np.random.default_rng(0).permuted(z, axis=0)
    law = stats.chi2(49).cdf
    distances = [stats.kstest((a**2).sum(1), law).statistic for a in (z, shuffled)]
    assert distances[0] > 0.2 and distances[1] < 0.05


@pytest.mark.parametrize(
    "options, message",
    slow_but_first(
        ("--depth 48", "argument depth"),
        ("--depth 257", "argument depth"),
        ("--pictures none.npy", "none.npy"),
        ("--pictures {files}/few.npy", "argument pictures must name at least 200"),
        ("--pictures {files}/stripe.npy", "at least 49 axes, but those of"),
        ("--pictures {files}/one.npy", "vary along 0."),
        ("--output none/x.png", "none"),
        ("--seed -1", "argument seed"),
    ),
)
def test_bad_input_is_one_line(files, options, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    options = options.format(files=files).split()
    stripe = np.random.default_rng(0).random((200, 16, 16))
    stripe[:, 2:] = 0
    np.save(files / "stripe.npy", stripe)
    np.save(files / "one.npy", np.full((200, 16, 16), 0.5))
    if "--pictures" not in options:
        options += ["--pictures", str(files / "pictures.npy")]
    assert cli.main(["lesson", "pca", *options]) == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1
    assert not list(tmp_path.iterdir())
