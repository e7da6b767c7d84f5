"""Commands that measure fakes and diagnose models."""

from __future__ import annotations

import builtins
import contextlib
import dataclasses
import functools
import pathlib
import sys
import warnings
from json import dumps
from typing import Any

from gan.cli.shared import (
    as_the_model_counts,
    drawn_as,
    expect_drawing,
    finish,
    import_tensorflow,
    listed,
    loaded,
    of_known_classes,
    pairs_of,
    read_real,
    translating,
)
from gan.errors import (
    InvalidInput,
    expect_between,
    expect_number,
    expect_path,
    expect_seed,
    require,
)
from gan.generators.weights import PRETRAINED
from gan.recipes.record import read_record
from gan.support.shipped import DEMO_MODEL, DEMO_PICTURES, or_demo

# Smallest number of pictures whose held-out fifth is compared with fakes in the
# features of a classifier.
_ENOUGH = 1000
_MOST_VALUES = 2**27  # largest number of values to compare: half a gigabyte of floats


def evaluate(
    model: str = PRETRAINED,
    /,
    *,
    pictures: str,
    course: str | None = None,
    withheld: str | None = None,
    seed: int = 0,
    output: str = "evaluate.png",
    show: bool = False,
    json: bool = False,
) -> None:
    """Compare fakes with real pictures by every measure."""
    expect_drawing(seed, output)
    expect_path(pictures=pictures)
    if withheld is not None:
        _existing(withheld, "withheld", DEMO_PICTURES)
    translator = translating(model, seed)
    if translator is not None:
        _evaluate_pairs(translator, pictures, course, seed, output, show, json)
        return
    # Load models now, so that bad files are refused before minutes of measuring.
    drawings = {} if course is None else {"course": loaded(course, seed)}
    drawing = drawings["ours"] = loaded(model, seed)
    shapes = {name: one.shape for name, one in drawings.items()}
    sentence = "The argument course must draw pictures of the model's shape, but the "
    sentence += f"shapes are {shapes}."
    require(len({*shapes.values()}) == 1, sentence, "course")
    # With JSON on stdout, progress goes to stderr.
    tell = functools.partial(print, file=sys.stderr) if json else print
    words = drawing.words
    labelled = bool(drawing.classes)
    real = read_real(pictures, drawing.shape, labelled, tell, words is not None)
    if words is not None and real.captions is not None:
        # Fakes are drawn from the captions of the real pictures.
        drawing.usual_conditions = words.of_captions(real.captions)
    real, labels = of_known_classes(drawing, real, tell)
    count = len(real.pictures)
    sentence = f"The argument pictures must name at least 200 pictures, not {count}."
    require(count >= 200, sentence, "pictures")
    labelled = None if json else _labelled(drawing, real, labels)
    compared = _compared(real.pictures, seed, tell)
    from gan import plots
    from gan.metrics import report

    generators = {
        name: drawn_as(one, _labels_for(one, drawing, labels), seed)
        for name, one in drawings.items()
    }
    reports, shown = report.evaluate_faces(compared, generators, seed)
    print(dumps(reports) if json else report.table(reports))
    if labelled is not None:
        _tell_classes(drawing, seed, *labelled)
    if withheld is not None:
        from gan.generators.gap import projection_gap

        tell(str(projection_gap(drawing, real.pictures, withheld, seed=seed)))
    finish(plots.rows(shown, title="ten of each"), output, show)


def _labels_for(one, drawing, labels):
    """The class numbers of another generator for labels as `drawing` numbers them."""
    if labels is None or one is drawing:
        return labels
    if not one.classes:
        return None
    from gan.metrics.classes import numbers_of

    numbers = numbers_of(drawing.names, one.names)
    return numbers[labels] if (numbers[labels] >= 0).all() else None


def _evaluate_pairs(translator, pictures, course, seed, output, show, json):
    """Compare the outputs for some inputs with their targets; draw some in rows."""
    said = "--course does not apply to a model that makes pictures from pictures."
    require(course is None, said, "course")
    import numpy as np

    from gan import plots
    from gan.metrics import pairs

    tell = functools.partial(print, file=sys.stderr) if json else print
    inputs, targets = pairs_of(translator, pictures, tell)
    made = translator.translate(inputs, seed).reshape(targets.shape)
    mask, given = None, inputs
    if translator.masked:
        mask, given = inputs[..., -1:], inputs[..., :-1]
        tell("The PSNR is measured inside the hole.")
    answers = {"model": made}
    if len(targets) >= 20:
        answers |= pairs.trivial_answers(given, targets, seed=seed)
    else:
        tell("Fewer than 20 pictures: the mean picture and linear map are left out.")
    reports = pairs.compare_pairs(targets, answers, mask)
    print(dumps(reports) if json else pairs.table(reports))
    rows = {"input": translator.as_seen(inputs), "output": made, "target": targets}
    shown = {name: np.clip(some[:10], 0, 1) for name, some in rows.items()}
    finish(plots.rows(shown, title="input, output, target"), output, show)


def _compared(pictures, seed, tell):
    """Pictures in [0, 1]; of large pictures, as many as fit into memory."""
    import numpy as np

    from gan.data.pictures import Pictures

    count = len(pictures)
    most = max(_MOST_VALUES // pictures[0].size, 200)
    if count > most:
        tell(f"{most} of these {count} pictures, drawn at random, are compared.")
        numbers = np.random.default_rng(seed).permutation(count)[:most]
        pictures = pictures[np.sort(numbers)]
    return Pictures(pictures).floats()


def _labelled(drawing, own, labels):
    """Select the pictures of classes that a classifier can learn.

    Returns:
        Tuple of these pictures, their labels from 0, and the model's numbers of the
        classes; or `None` if the classes of the fakes cannot be measured.
    """
    if not drawing.classes:
        return None
    import numpy as np

    from gan.metrics.classes import LEAST

    height, width, _ = drawing.shape
    not_known = "the classes of the fakes are not measured."
    if own.labels is None:
        print(f"The pictures have no classes: {not_known}")
        return None
    if min(height, width) < 4:
        print(f"The pictures have sides of fewer than 4 pixels: {not_known}")
        return None
    if labels is None:
        print(f"The model knows none of the classes of the pictures: {not_known}")
        return None
    numbers, counts = np.unique(labels, return_counts=True)
    numbers = numbers[counts >= LEAST]
    known = np.isin(labels, numbers)
    few = {own.names[label] for label in own.labels[~known]}
    if few:
        print(
            f"These classes have fewer than {LEAST} pictures and are left out: "
            f"{listed(sorted(few))}."
        )
    if len(numbers) < 2:
        print(f"Fewer than two classes remain: {not_known}")
        return None
    real = np.divide(own.pictures[known], 255, dtype=np.float32)
    return real, np.searchsorted(numbers, labels[known]), numbers


def _tell_classes(drawing, seed, real, labels, numbers):
    """Print whether fakes have the class that was asked for."""
    import numpy as np

    from gan.metrics.classes import Classifier

    asked = drawing.labels(5000)
    known = np.isin(asked, numbers)
    fakes = drawing.draw(5000, seed=seed).reshape(-1, *drawing.shape)[known]
    asked = np.searchsorted(numbers, asked[known])
    classifier = Classifier(real, labels)
    print(classifier.classify(fakes, asked))
    if len(real) >= _ENOUGH:
        print(classifier.compare(np.clip(fakes, 0, 1), asked))


def diagnose(
    model: str = PRETRAINED,
    /,
    pictures: str | None = None,
    withheld: str | None = None,
    range: tuple[float, float] | None = None,
    count: int = 1000,
    seed: int = 0,
    json: bool = False,
) -> int:
    """Name the known mistakes in a model; return 1 if there is one."""
    expect_seed(2**32, seed=seed)
    expect_between(16, 10_000, count=count)
    if range is not None:
        expect_number(-1e6, 1e6, black=range[0], white=range[1])
        sentence = "The argument range must be two different numbers."
        require(range[0] != range[1], sentence, "range")
    path = _existing(model, "model", DEMO_MODEL)
    if pictures is not None:
        _existing(pictures, "pictures", DEMO_PICTURES)
    if withheld is not None:
        _existing(withheld, "withheld", DEMO_PICTURES)
    found, path = _model_of(path)
    say = (lambda text: None) if json else print
    say(f"{type(found).__name__} of {path}")
    if pictures is None:
        say("Checks that need the training data are left out: give --pictures.")
    else:
        _give_pictures(found, pictures, range, say)
        if _are_other_pictures(found, path):
            say(
                "These are not the pictures of the run, so copies of training pictures "
                "cannot be found."
            )
    from gan.diagnosis import diagnose

    diagnosis = diagnose(found, count, seed, withheld)
    say(str(diagnosis))
    if json:
        findings = [dataclasses.asdict(finding) for finding in diagnosis]
        print(dumps({"findings": findings, **vars(diagnosis)}))
    return int(bool(diagnosis))


def _existing(path: str, argument: str, demo: str) -> pathlib.Path:
    there = or_demo(expect_path(**{argument: path}), demo)
    require(there.exists(), f"There is nothing at {path}.", argument)
    return there


def _model_of(path: pathlib.Path) -> tuple[Any, pathlib.Path]:
    """The whole model of a MODEL, and the file that it was read from."""
    import_tensorflow()
    from gan.generators.load import noted_names
    from gan.saving import load_model
    from gan.training.checkpoint import load_newest, newest_path

    if path.is_dir() and newest_path(path) is None:
        files = [path / name for name in ("model.keras", "generator.h5")]
        path = next((file for file in files if file.is_file()), path)
    if path.is_dir():
        found, path = load_newest(path)
    elif path.suffix == ".h5":
        return _model_of_faces(path), path
    else:
        found = load_model(path)
    found.class_names = found.class_names or noted_names(path, found.classes)
    return found, path


def _model_of_faces(path):
    """A model of faces from two files of weights, as the recipe `faces` writes them."""
    from gan.generate_faces import convolutional_GenDiscr
    from gan.latent import LatentGenerator
    from gan.saving.weights_file import load_weights
    from gan.wgan_gp import WGAN_GP

    other = path.with_name(path.name.replace("generator", "discriminator"))
    require(
        other != path and other.is_file(),
        f"The folder of {path} must also hold the weights of the discriminator, such "
        "as discriminator.h5 for generator.h5.",
        "model",
    )
    generator, discriminator = convolutional_GenDiscr()
    load_weights((generator, path), (discriminator, other))
    parts = generator, discriminator, LatentGenerator(16)
    return WGAN_GP(*parts, batch_statistics=False, pixel_range=(0, 1), seed=0)


def _give_pictures(model, path, scale, say):
    """Give a model the pictures that it was trained on."""
    from gan.generators.trained import TrainedGenerator

    # A wrong range is one of the findings, so it needs no warning.
    with warnings.catch_warnings(action="ignore"):
        scale = scale or TrainedGenerator.of(model).pixel_range or (0.0, 1.0)
        model.real_examples = _real_of(model, path, *scale, say)


def _real_of(model, pictures, black, white, say):
    """The pictures as a model takes them, with their labels if it has classes."""
    from gan.faces import load_pictures

    shape = model.generator.output_shape[1:]
    if shape[2:] != (3,) and not model.classes and pictures.endswith(".npy"):
        return black + (white - black) * load_pictures(pictures)
    own = read_real(pictures, shape, bool(model.classes), say, model.words is not None)
    real = own.pictures
    if (black, white) != (0, 1):
        real = black + (white - black) * (real / 255)
    if model.words is not None:
        sentence = "The model takes words: the argument pictures must be an .npz file "
        require(own.captions is not None, f"{sentence}with captions.", "pictures")
        return real, own.captions
    said = "The model takes vectors, which pictures do not contain: give it real "
    said += "examples in Python and call gan.diagnose."
    require(not model.condition_shape, said, "pictures")
    if not model.classes:
        return real
    sentence = "The argument pictures must name pictures with classes, as the model "
    require(own.labels is not None, f"{sentence}has them.", "pictures")
    numbers = [*map(str, builtins.range(model.classes))]
    labels = as_the_model_counts(own, model.class_names or numbers, say)
    known = labels >= 0
    require(
        known.any(),
        f"None of the classes of {pictures} ({listed(own.names)}) is one that the "
        "model was trained on: give pictures of its classes.",
        "pictures",
    )
    return real[known], labels[known]


def _are_other_pictures(model, path):
    """Whether the run's record says that it was trained on other pictures."""
    with contextlib.suppress(InvalidInput):
        noted = read_record(path.parent.parent / "run.json").get("data")
        return noted is not None and noted != model.examples.fingerprint()
    return False
