"""Commands that judge: how good the fakes are, and what is wrong with a run."""

from __future__ import annotations

import json

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
    print(report.table(reports))
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
) -> None:
    """name the known mistakes in a run, each with its evidence and cure

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
    print(f"{type(found).__name__} of {path}")
    if real is None:
        print("Without --pictures, what needs the training data is not checked.")
    else:
        found.real_examples = black + (white - black) * real
        _tell_other_pictures(found, path)
    print(diagnose(found, count, seed))


def _tell_other_pictures(model, path):
    """Say so if the run noted that it was given other pictures."""
    from gan.data.examples import checksum

    try:
        noted = json.loads((path.parents[1] / "run.json").read_text(encoding="utf-8"))
        noted = noted["data"]
    except (IndexError, KeyError, OSError, TypeError, ValueError):
        return
    if noted != checksum(model.real_examples):
        print("These are not the pictures of the run: copies cannot be told.")
