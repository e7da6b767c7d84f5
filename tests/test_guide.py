import os

import numpy as np
import pytest
from browser import browser

from gan import cli, diagnosis, plots, toys
from gan.diagnosis import diagnose
from gan.lessons import guide


@pytest.mark.slow
@pytest.mark.parametrize("failure", guide.FAILURES, ids=lambda failure: failure.finding)
def test_failures_are_what_they_say_and_are_cured(failure):
    """`diagnose` names it first, and not after its cure; GAN_SEEDS=3 tries 3 seeds."""
    for seed in range(int(os.environ.get("GAN_SEEDS", 1))):
        sick, cured = (
            guide.train_on_circle(run, seed) for run in (failure.sick, failure.cured)
        )
        assert diagnose(sick)[0].name == failure.finding, seed
        assert failure.finding not in [found.name for found in diagnose(cured)], seed
        far, near = guide.distance(sick), guide.distance(cured)
        assert near < 0.1 and far > 2 * near, (seed, far, near)


def test_each_failure_and_its_cure_differ_in_what_is_said():
    known = {check.name for check in diagnosis._CHECKS}
    for failure in guide.FAILURES:
        assert failure.sick != failure.cured
        assert failure.why.endswith(".") and failure.cure.endswith(".")
        assert failure.finding in known
        assert failure.name.lower().startswith(failure.finding)


def test_nothing_hides_the_circle_and_it_is_round():
    real = toys.circle(200)
    history = {"discr_loss": [1.0, 2.0], "gen_loss": [3.0, 4.0]}
    figure = plots.side_by_side({"a": (real, real * 4, history)})
    points, _ = figure.axes
    (left, low), (right, high) = points.transData.transform([(0, 0), (1, 1)])
    assert right - left == pytest.approx(high - low)
    assert not points.get_legend().get_window_extent().overlaps(points.bbox)


def test_losses_against_healthy_ones():
    healthy = [
        {"discr_loss": [1.0, 2.0, 3.0], "gen_loss": [k, k + 1.0, k]} for k in (0.0, 2.0)
    ]
    figure = plots.losses({"discr_loss": [1, 2], "gen_loss": [3, 4]}, healthy=healthy)
    (axes,) = figure.axes
    bands = [collection.get_paths()[0].vertices for collection in axes.collections]
    assert len(bands) == 2
    np.testing.assert_allclose([bands[1][:, 0].min(), bands[1][:, 0].max()], [1, 2])
    np.testing.assert_allclose([bands[1][:, 1].min(), bands[1][:, 1].max()], [0, 3])


@pytest.mark.slow
def test_the_page_holds_every_failure(tmp_path, monkeypatch, capsys):
    """Each kind of run is short, because the test above checks the results."""
    trained, short = guide.train_on_circle, {}

    def once(kind, seed=0):
        cls, options = kind
        if str(kind) not in short:
            short[str(kind)] = trained((cls, options | {"epochs": 1}), seed)
        return short[str(kind)]

    monkeypatch.setattr(guide, "train_on_circle", once)
    monkeypatch.setattr(guide, "FAILURES", guide.FAILURES[:2])
    monkeypatch.setattr(guide, "HEALTHY", {"Simple_GAN": guide.HEALTHY["Simple_GAN"]})
    path = tmp_path / "guide.html"
    assert cli.main(["lesson", "guide", "--output", str(path)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(path)
    with browser() as tab:
        tab.open(path, width=360)
        assert tab.errors == []
        assert not [r for r in tab.requests if not r.startswith(("file:", "data:"))]
        assert tab.evaluate("document.documentElement.scrollWidth") <= 360
        text = tab.evaluate("document.body.innerText")
        loaded = "Array.from(document.images, (image) => image.naturalWidth)"
        assert min(tab.evaluate(loaded)) > 400
    for failure in guide.FAILURES:
        assert failure.name in text and failure.cure in text
    assert "gan.diagnose prints" in text and "Simple_GAN" in text


def test_another_ending_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["lesson", "guide", "--output", "guide.png"]) == 2
    assert "must end in .html" in capsys.readouterr().err and not [*tmp_path.iterdir()]
