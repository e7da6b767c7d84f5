"""Commands that judge: how good the fakes are, and what is wrong with a run."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import sys
import warnings
from json import dumps

from gan.cli.shared import (
    expect_drawing,
    finish,
    import_tensorflow,
    loaded,
    read_real,
)
from gan.errors import (
    InvalidInput,
    expect,
    expect_number,
    expect_path,
    expect_seed,
    require,
)
from gan.generators.weights import OURS
from gan.recipes.run import read_record


def evaluate(
    pictures: str,
    generator: str = OURS,
    course: str | None = None,
    seed: int = 0,
    output: str = "evaluate.png",
    show: bool = False,
    json: bool = False,
) -> None:
    """Judge fakes by every measure against real pictures."""
    expect_drawing(seed, output)
    expect_path(pictures=pictures)
    generators, shapes = {}, set()
    for name, path in {"course": course, "ours": generator}.items():
        if path is not None:
            # Loaded now, so that a bad file is refused before minutes of judging.
            drawing = loaded(path, seed)
            shapes.add(drawing.shape)
            generators[name] = functools.partial(drawing.draw, seed=seed)
    expect(len(shapes) == 1, "generators of one shape", shapes=shapes)
    # Who reads JSON from stdout may still look on.
    tell = functools.partial(print, file=sys.stderr) if json else print
    real = read_real(pictures, *shapes, bool(drawing.classes), tell)
    expect(len(real.pictures) >= 200, "at least 200 pictures", N=len(real.pictures))
    from gan.evaluation import report
    from gan.visualization import plots

    reports, shown = report.evaluate_faces(real.floats(), generators, seed)
    print(dumps(reports) if json else report.table(reports))
    if not json:
        _tell_classes(drawing, real, seed)
    finish(plots.rows(shown, title="ten of each"), output, show)


def _tell_classes(drawing, own, seed):
    """Whether fakes have the class asked for, where model and pictures have any."""
    if own.labels is None:
        return
    import numpy as np

    from gan.evaluation.classes import Classifier

    real = np.divide(own.pictures, 255, dtype=np.float32)
    fakes = drawing.draw(5000, seed=seed).reshape(-1, *drawing.shape)
    classifier = Classifier(real, own.labels)
    print(classifier.judge(fakes, drawing.labels(5000)))


def diagnose(
    model: str,
    /,
    pictures: str | None = None,
    range: tuple[float, float] = (0.0, 1.0),
    count: int = 1000,
    seed: int = 0,
    json: bool = False,
) -> int:
    """Name the known mistakes in a run; return 1 where there is one."""
    expect_seed(2**32, seed=seed)
    sentence = f"The argument count must be from 16 to 10000, but it is {count}."
    require(16 <= count <= 10_000, sentence, "count")
    black, white = range
    expect_number(-1e6, 1e6, black=black, white=white)
    expect(black != white, "two different numbers", range=range)
    path = expect_path(RUN=model)
    expect(path.exists(), "an existing folder or .keras file", RUN=model)
    if pictures is not None:
        there = expect_path(pictures=pictures).exists()
        expect(there, "an existing file", path=pictures)
    import_tensorflow()
    from gan.evaluation.diagnose import diagnose
    from gan.saving import load_model
    from gan.training.checkpoint import load_newest

    found, path = load_newest(path) if path.is_dir() else (load_model(path), path)
    say = (lambda text: None) if json else print
    say(f"{type(found).__name__} of {path}")
    if pictures is None:
        say("Without --pictures, what needs the training data is not checked.")
    else:
        # Another range is one of the findings.
        with warnings.catch_warnings(action="ignore"):
            found.real_examples = _real_of(found, pictures, black, white, say)
        if _are_other_pictures(found, path):
            say("These are not the pictures of the run: copies cannot be told.")
    diagnosis = diagnose(found, count, seed)
    say(str(diagnosis))
    if json:
        findings = [dataclasses.asdict(finding) for finding in diagnosis]
        print(dumps({"findings": findings, **vars(diagnosis)}))
    return int(bool(diagnosis))


def _real_of(model, path, black, white, say):
    """The pictures as a model takes them, with their classes where it knows any."""
    from gan.data.faces import load_pictures

    shape = model.generator.output_shape[1:]
    if shape[2:] != (3,) and not model.classes and path.endswith(".npy"):
        return black + (white - black) * load_pictures(path)
    own = read_real(path, shape, bool(model.classes), say)
    real = own.pictures
    if (black, white) != (0, 1):
        real = black + (white - black) * (real / 255)
    if not model.classes:
        return real
    expect(own.labels is not None, "pictures with classes", pictures=path)
    return real, own.labels


def _are_other_pictures(model, path):
    """Whether the run noted that it was given other pictures."""
    with contextlib.suppress(InvalidInput):
        noted = read_record(path.parent.parent / "run.json").get("data")
        return noted is not None and noted != model.examples.fingerprint()
    return False
