import re

import matplotlib.image
import numpy as np
import pytest
from conftest import slow_but_first
from PIL import Image

from gan import cli
from gan.metrics import report as reports


@pytest.mark.slow
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
    # Both files hold one generator; in g.h5 multiplier and mean face are 0.5.
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
    expected = "The argument pictures must name at least 200 pictures, not 60."
    assert capsys.readouterr().err == f"gan: error: {expected}\n"
    assert not (tmp_path / "e.png").exists()


ABC = ("ant", "bee", "cat")


@pytest.fixture
def evaluated(tmp_path, monkeypatch, capsys):
    """What `evaluate` prints before and after the measuring, which is left out."""

    def judge(pictures, generators, seed):
        print("judging")
        return {}, {"real": pictures[:3]}

    monkeypatch.setattr(reports, "evaluate_faces", judge)
    monkeypatch.setattr(reports, "table", str)

    def evaluate(model, pictures, *more):
        line = ["evaluate", str(model), "--pictures", str(pictures)]
        line += ["--output", str(tmp_path / "e.png"), *more]
        assert cli.main(line) == 0 and (tmp_path / "e.png").exists()
        before, _, after = capsys.readouterr().out.partition("judging\n")
        # The first line says what was read from the file or folder.
        return before.splitlines()[1:], after

    return evaluate


def test_the_fakes_have_the_classes_of_the_pictures(
    three_stripes, tmp_path, monkeypatch
):
    found = []

    def judge(pictures, generators, seed):
        found.extend([pictures, *(make(70) for make in generators.values())])
        return {}, {"real": pictures[:3]}

    monkeypatch.setattr(reports, "evaluate_faces", judge)
    monkeypatch.setattr(reports, "table", str)
    real, noted = three_stripes
    pictures = real(ant=180, cat=30, zebra=40)
    run = str(noted(*ABC))
    line = ["evaluate", run, "--course", run, "--pictures", str(pictures)]
    assert cli.main([*line, "--output", str(tmp_path / "e.png")]) == 0
    of_known, *both = found
    assert len(of_known) == 210 and len(both) == 2
    for fakes in both:
        # Each class is a bright stripe of 32 pixels.
        stripes = fakes.reshape(70, 3, 32).mean(axis=2)
        assert np.bincount(stripes.argmax(axis=1), minlength=3).tolist() == [60, 0, 10]


@pytest.mark.slow
def test_classes_are_matched_by_name_and_what_cannot_be_judged_is_said_first(
    three_stripes, evaluated
):
    """If classes were matched by number, no fake would have the class asked for."""
    real, noted = three_stripes
    pictures = real(bee=110, cat=95, zebra=30)
    before, after = evaluated(noted(*ABC), pictures)
    assert before == [
        "The model does not know these classes, which are left out: zebra.",
        "These classes of the model have no pictures: ant.",
    ]
    (right,) = re.findall(
        r"in the requested class: (.*?)% of the fakes, (.*?)% in the worst class", after
    )
    assert min(map(float, right)) > 95 and "2 of 2 classes" in after


@pytest.mark.parametrize(
    ("names", "counts", "said", "judged"),
    slow_but_first(
        (
            ("ant", "bee"),
            {"ant": 70, "bee": 70, "cat": 70},
            "does not name its classes",
            3,
        ),
        (
            ABC,
            {"ant": 99, "bee": 99, "cat": 3},
            "fewer than 5 pictures and are left out: cat.",
            2,
        ),
        (
            ABC,
            {"ant": 203, "cat": 2},
            "fewer than 5 pictures and are left out: cat.",
            0,
        ),
        (ABC, {"cat": 210}, "Fewer than two classes remain", 0),
        (("x", "y", "z"), {"cat": 100, "bee": 110}, "knows none of the classes", 0),
    ),
)
def test_only_classes_that_can_be_matched_and_learnt_are_judged(
    names, counts, said, judged, three_stripes, evaluated, monkeypatch
):
    class Judge:
        def __init__(self, real, labels):
            assert real.shape == (len(labels), 8, 12, 1)
            assert {*labels} == {*range(judged)}

        def classify(self, fakes, asked):
            assert {*asked} == {*range(judged)} and len(fakes) == len(asked)
            return "judged"

    monkeypatch.setattr("gan.metrics.classes.Classifier", Judge)
    real, noted = three_stripes
    before, after = evaluated(noted(*names), real(**counts))
    assert said in "".join(before)
    assert ("judged" in after) is (judged > 0)


def test_pictures_without_classes_are_judged_without_them(
    three_stripes, evaluated, tmp_path
):
    _, noted = three_stripes
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((200, 8, 12)))
    before, after = evaluated(noted(), tmp_path / "x.npy")
    assert before[0].startswith("The pictures have no classes: ")
    assert "requested class" not in after
    assert evaluated(noted(), tmp_path / "x.npy", "--json")[0] == []
