"""Commands that judge: how good the fakes are, and what is wrong with a run."""

from __future__ import annotations

import dataclasses
import warnings
from json import dumps

from gan.cli.shared import (
    OURS,
    Generator,
    expect_drawing,
    finish,
    import_tensorflow,
    names_of,
    notes_of,
    read_real,
)
from gan.errors import (
    expect,
    expect_number,
    expect_path,
    expect_positive_int,
    expect_seed,
    require,
    shown,
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
        pictures (PATH): the real pictures, brought to the size of the fakes: a folder,
            .npy or .npz; those of more than 1024 numbers are judged by their 256
            strongest principal coordinates
        generator (MODEL): generator in .h5, .keras file or folder of a run (default:
            ours)
        course (FILE.h5): another generator, such as the course's
    """
    expect_drawing(seed, output)
    expect_path(pictures=pictures)
    generators, shapes = {}, set()
    for name, path in {"course": course, "ours": generator}.items():
        if path is not None:
            # Loaded now, so that a bad file is refused before minutes of judging.
            shapes.add(Generator(path, seed).shape)
            generators[name] = lambda count, path=path: _fakes(path, seed, count)
    expect(len(shapes) == 1, "generators of one shape", shapes=shapes)
    real = read_real(pictures, *shapes)
    drawing = Generator(generator, seed)
    labelled = None if json else _labelled(drawing, generator, pictures)
    from gan.evaluation import report
    from gan.visualization import plots

    reports, shown = report.evaluate_faces(real, generators, seed)
    print(dumps(reports) if json else report.table(reports))
    if labelled is not None:
        _tell_classes(Generator(generator, seed), *labelled)
    finish(plots.rows(shown, title="ten of each"), output, show)


def _fakes(path, seed, count):
    drawing = Generator(path, seed)
    return drawing.draw(drawing.latents(count))


def _labelled(drawing, path, pictures):
    """Pictures of the classes that can be judged, their labels, the model's numbers."""
    from gan.data.datasets import load_own

    if not drawing.classes:
        return None
    import numpy as np

    from gan.evaluation.classes import LEAST

    height, width, channels = drawing.shape
    own = load_own(pictures, (height, width), channels == 3)
    not_judged = "whether fakes have the class asked for is not judged."
    if own.labels is None:
        print(f"The pictures have no classes: {not_judged}")
        return None
    if min(height, width) < 4:
        print(f"The pictures have sides of fewer than 4 pixels: {not_judged}")
        return None
    labels = _as_the_model_counts(own, path, drawing.classes, print)
    numbers, counts = np.unique(labels[labels >= 0], return_counts=True)
    numbers = numbers[counts >= LEAST]
    rows = np.isin(labels, numbers)
    few = {own.names[label] for label in own.labels[~rows & (labels >= 0)]}
    if few:
        print(f"Not judged, for fewer than {LEAST} pictures: {_listed(sorted(few))}.")
    if len(numbers) < 2:
        print(f"Fewer than two classes are left: {not_judged}")
        return None
    real = np.divide(own.pictures[rows], 255, dtype=np.float32)
    return real, np.searchsorted(numbers, labels[rows]), numbers


def _tell_classes(drawing, real, labels, numbers):
    """Whether fakes have the class asked for."""
    import numpy as np

    from gan.evaluation.classes import Classifier

    asked, latents = drawing.labels(5000), drawing.latents(5000)
    rows = np.isin(asked, numbers)
    fakes = drawing.pictures(drawing.fakes(latents))[rows]
    print(Classifier(real, labels).judge(fakes, np.searchsorted(numbers, asked[rows])))


def _as_the_model_counts(own, path, classes, tell):
    """The pictures' labels by the model's numbers, -1 where it knows no such class."""
    from gan.evaluation.classes import numbers_of

    known = names_of(path, classes)
    if known is None:
        known = [*map(str, range(classes))]
        if len(own.names) == classes and not {*own.names} & {*known}:
            tell(
                "The model does not say what its classes are called. They are taken "
                f"for those of the pictures, in this order: {_listed(own.names)}."
            )
            known = own.names
    numbers = numbers_of(own.names, known)
    unknown = [name for name, n in zip(own.names, numbers, strict=True) if n < 0]
    if unknown:
        tell(f"Left out, for the model knows no such class: {_listed(unknown)}.")
    missing = [name for name in known if name not in own.names]
    if missing:
        tell(f"Classes of the model without a picture: {_listed(missing)}.")
    return numbers[own.labels]


def _listed(names, most=12):
    more = f" and {len(names) - most} more" if len(names) > most else ""
    # What a terminal would obey is shown, not printed.
    plain = [name if name.isprintable() else shown(name) for name in names[:most]]
    return ", ".join(plain) + more


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
        pictures (PATH): what it was trained on, as train takes it; half of the checks
            need it, and a run does not say where its pictures are
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
            found.real_examples = _real_of(found, path, pictures, black, white, say)
        if _are_other_pictures(found, path):
            say("These are not the pictures of the run: copies cannot be told.")
    diagnosis = diagnose(found, count, seed)
    say(str(diagnosis))
    if json:
        findings = [dataclasses.asdict(finding) for finding in diagnosis]
        print(dumps({"findings": findings, **vars(diagnosis)}))
    return int(bool(diagnosis))


def _real_of(model, path, pictures, black, white, tell):
    """The pictures as a model takes them, with their classes where it knows any."""
    from gan.data.datasets import load_own
    from gan.data.faces import load_pictures

    shape = model.generator.output_shape[1:]
    if shape[2:] != (3,) and not model.classes and pictures.endswith(".npy"):
        return black + (white - black) * load_pictures(pictures)
    expect(len(shape) == 3, "a model of pictures", shape=shape)
    own = load_own(pictures, shape[:2], shape[2] == 3, bool(model.classes))
    real = own.pictures
    if (black, white) != (0, 1):
        real = black + (white - black) * (real / 255)
    if not model.classes:
        return real
    expect(own.labels is not None, "pictures with classes", pictures=pictures)
    labels = _as_the_model_counts(own, path, model.classes, tell)
    rows = labels >= 0
    require(
        rows.any(),
        f"None of the classes of {pictures} ({_listed(own.names)}) is one that the "
        "model was trained on: give pictures with their classes.",
        "pictures",
    )
    return real[rows], labels[rows]


def _are_other_pictures(model, path):
    """Whether the run noted that it was given other pictures."""
    from gan.data.examples import checksum

    noted = notes_of(path).get("data")
    return noted is not None and noted != checksum(model.real_examples)
