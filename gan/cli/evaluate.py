"""Commands that judge: how good the fakes are, and what is wrong with a run."""

from __future__ import annotations

import dataclasses
import warnings
from json import dumps, loads

from gan.cli.shared import (
    OURS,
    Generator,
    expect_drawing,
    finish,
    import_tensorflow,
)
from gan.errors import (
    expect,
    expect_number,
    expect_path,
    expect_positive_int,
    expect_seed,
)


def evaluate(
    pictures: str,
    generator: str = OURS,
    course: str | None = None,
    seed: int = 0,
    output: str = "evaluate.png",
    show: bool = False,
    json: bool = False,
) -> None:
    """judge fakes by every measure against real pictures, with the reals' floor

    Example:
        evaluate --pictures small_res_faces_10000.npy

    Args:
        pictures (FILE.npy): the real pictures
        course (FILE.h5): another generator, such as the course's
    """
    expect_drawing(seed, output)
    from gan.data.faces import load_faces

    real = load_faces(pictures).pictures
    expect(len(real) >= 200, "at least 200 pictures", N=len(real))
    import_tensorflow()
    from gan.evaluation import report
    from gan.visualization import plots

    generators = {}
    for name, path in {"course": course, "ours": generator}.items():
        if path is not None:
            # Loaded now, so that a bad file is refused before minutes of judging.
            Generator(path, seed)
            generators[name] = lambda count, path=path: _fakes(path, seed, count)
    reports, shown = report.evaluate_faces(real, generators, seed)
    print(dumps(reports) if json else report.table(reports))
    finish(plots.rows(shown, title="ten of each"), output, show)


def _fakes(path, seed, count):
    drawing = Generator(path, seed)
    return drawing.draw(drawing.latents(count))


def diagnose(
    model: str,
    /,
    pictures: str | None = None,
    range: tuple[float, float] = (0.0, 1.0),
    count: int = 1000,
    seed: int = 0,
    json: bool = False,
) -> int:
    """name the known mistakes in a run, each with its evidence and cure; the exit
    status is 1 where there is one

    Example:
        diagnose run --pictures small_res_faces_10000.npy

    Args:
        model (RUN): folder of a run with checkpoints, the last of which is read, or a
            .keras file
        pictures (FILE.npy): what it was trained on; half of the checks need it, and a
            run does not say where its pictures are
        range (BLACK WHITE): the numbers black and white were in training
        count: fakes to look at, at least 16
    """
    expect_seed(2**32, seed=seed)
    expect_positive_int(count=count)
    expect(count >= 16, "count of at least 16", count=count)
    black, white = range
    expect_number(black=black, white=white)
    expect(black != white, "two different numbers", range=range)
    path = expect_path(RUN=model)
    expect(path.exists(), "an existing folder or .keras file", RUN=model)
    real = None
    if pictures is not None:
        from gan.data.faces import load_pictures

        real = load_pictures(pictures)
    import_tensorflow()
    from gan.evaluation.diagnose import diagnose
    from gan.saving import load_model
    from gan.training.checkpoint import load_newest

    found, path = load_newest(path) if path.is_dir() else (load_model(path), path)
    say = (lambda text: None) if json else print
    say(f"{type(found).__name__} of {path}")
    if real is None:
        say("Without --pictures, what needs the training data is not checked.")
    else:
        # Another range is one of the findings.
        with warnings.catch_warnings(action="ignore"):
            found.real_examples = black + (white - black) * real
        if _are_other_pictures(found, path):
            say("These are not the pictures of the run: copies cannot be told.")
    diagnosis = diagnose(found, count, seed)
    say(str(diagnosis))
    if json:
        findings = [dataclasses.asdict(finding) for finding in diagnosis]
        print(dumps({"findings": findings, **vars(diagnosis)}))
    return int(bool(diagnosis))


def _are_other_pictures(model, path):
    """Whether the run noted that it was given other pictures."""
    from gan.data.examples import checksum

    try:
        noted = loads((path.parents[1] / "run.json").read_text(encoding="utf-8"))
        return noted["data"] != checksum(model.real_examples)
    except (IndexError, KeyError, OSError, TypeError, ValueError):
        return False
