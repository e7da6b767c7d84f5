import re

import numpy as np
import pytest
from conftest import refused

from gan import metrics
from gan.lessons.cloud import Verdict, compare_classes, conclude
from gan.metrics.report import evaluate_faces, table

SPREAD = 49 * 0.05**2


def verdicts(**spreads):
    """Clouds of these spreads about barycentres far from the centre."""
    return {
        name: Verdict([value + 1.9] * 2, [1.9] * 2, {})
        for name, value in spreads.items()
    }


@pytest.mark.slow
def test_faces_are_judged_beside_the_pca_generators():
    rng = np.random.default_rng(0)
    pictures = rng.random((240, 4, 4, 1)).repeat(16, axis=3).reshape(240, 16, 16)
    lines = []
    report, shown = evaluate_faces(
        pictures, {"copies": lambda n: pictures[:n]}, tell=lines.append
    )
    assert list(report) == ["PCA, depth 16", "PCA, depth 128", "copies"]
    assert list(shown) == ["real", *report] and len(lines) == 3
    assert report["copies"]["neighbour_ratio"]["value"] == 0
    assert report["PCA, depth 16"]["neighbour_ratio"]["value"] > 0.5
    written = table(report).splitlines()
    assert len(written) == 1 + len(metrics.MEASURES)
    assert written[0].split()[0] == "real" and "copies" in written[0]
    value = report["copies"]["fd"]["value"]
    assert f"{value:.3f} ±" in written[2]


@pytest.mark.parametrize(
    ("shape", "scale"),
    [((32, 32, 3), 1), ((48, 32, 3), np.sqrt(2 / 3)), ((64, 64, 3), 0.5)],
)
def test_large_pictures_are_judged_by_coordinates(shape, scale, monkeypatch):
    rng = np.random.default_rng(0)
    pictures = rng.random((60, *shape), "float32")
    compared = []
    monkeypatch.setattr(metrics, "evaluate", lambda *sets, seed: compared.append(sets))
    draw = {"others": lambda n: pictures[-n:]}
    _, shown = evaluate_faces(pictures, draw, tell=lambda text: None)
    assert shown["others"].shape == (10, *shape)
    real, fake = compared[-1]
    # As many coordinates as the pictures vary along keep all distances between them.
    assert len(real) == 60 and len(fake) == 30 and real.shape[1] <= 256
    np.testing.assert_allclose(real[30:], fake, atol=1e-9)
    squares = ((pictures[1:] - pictures[:-1]) ** 2).sum(axis=(1, 2, 3)) * scale**2
    np.testing.assert_allclose(((real[1:] - real[:-1]) ** 2).sum(axis=1), squares, 1e-4)


@pytest.mark.slow
def test_classes_are_compared_on_the_cloud():
    lines = []
    found = compare_classes(epochs=1, seeds=2, tell=lines.append)
    assert list(found) == ["Simple_GAN", "WGAN_clip", "WGAN_GP"]
    for verdict in found.values():
        assert len(verdict.msdcc) == len(verdict.dbc) == 2
        assert verdict.msdcc[0] != verdict.msdcc[1] and min(verdict.msdcc) > 0.1
        assert len(verdict.history["gen_loss"]) == 1
    assert "0.1225" in lines[1] and "0.000245" in lines[1]


@pytest.mark.parametrize(
    "spreads, said",
    [
        (
            {"Simple_GAN": 0.02, "WGAN_clip": 0.01, "WGAN_GP": 0.1},
            "claim holds: WGAN_GP is closest to the cloud's spread; .* too small for",
        ),
        (
            {"Simple_GAN": 0.12, "WGAN_clip": 0.01, "WGAN_GP": 0.02},
            "claim does not hold: WGAN_GP is not the closest",
        ),
        (
            {"Simple_GAN": 0.5, "WGAN_clip": 0.01, "WGAN_GP": 0.12},
            "claim does not hold: .* is too large, not too small, for Simple_GAN",
        ),
    ],
)
def test_the_claim_is_weighed(spreads, said):
    text = conclude(verdicts(**spreads))
    assert text.startswith("The course's")
    assert re.search(said, text), text


def test_bad_input():
    with refused("epochs"):
        compare_classes(epochs=0)
    with refused("seeds"):
        compare_classes(seeds=-1)
