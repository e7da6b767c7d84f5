"""Commands that draw from a trained generator."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Literal

from gan.cli.asked import conditions_asked
from gan.cli.shared import (
    drawn_as,
    expect_drawing,
    expect_output,
    expect_pictures,
    finish,
    import_tensorflow,
    loaded,
    of_known_classes,
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
from gan.generators.weights import PRETRAINED, WEIGHTS
from gan.recipes.record import RECORD, read_record
from gan.support.files import atomic_path, expect_writable, made_folder

_MOST = 10_000  # pictures in one call
_RATE = 12.5  # frames per second of an animation
_SCALE = 8  # side of a picture's pixel in an animation, in pixels of the screen
_ENDINGS = {"keras": ".keras", "onnx": ".onnx", "savedmodel": "", "tflite": ".tflite"}


def faces(
    count: int = 400,
    generator: str = PRETRAINED,
    discriminator: str = str(WEIGHTS / "discriminator.h5"),
    seed: int = 0,
    output: str = "faces.png",
    show: bool = False,
) -> None:
    """Draw fake faces in one picture, the most convincing first (default)."""
    expect_between(1, _MOST, count=count)
    expect_drawing(seed, output)
    import_tensorflow()
    import numpy as np

    from gan import plots
    from gan.generate_faces import convolutional_GenDiscr
    from gan.generators.trained import in_parts
    from gan.saving.weights_file import load_weights

    drawing = loaded(generator, seed)
    require(
        drawing.shape == (16, 16, 1),
        "The argument generator must draw faces of 16x16 pixels, but it draws "
        f"pictures of the shape {drawing.shape}: use the command generate.",
        "generator",
    )
    _, critic = convolutional_GenDiscr()
    load_weights((critic, discriminator))
    fakes = drawing.outputs(count, seed=seed)
    fakes = fakes[np.argsort(-in_parts(critic, fakes)[:, 0], kind="stable")]
    faces = drawing.pictures(fakes)[..., 0]
    finish(plots.mosaic(faces, title="fake faces"), output, show)


def generate(
    model: str = PRETRAINED,
    /,
    count: int = 64,
    class_: str | None = None,
    words: str | None = None,
    condition: str | None = None,
    from_: str | None = None,
    to: str | None = None,
    truncation: float = 1.0,
    each: bool = False,
    seed: int = 0,
    output: str = "generated.png",
    show: bool = False,
) -> None:
    """Draw from any trained model: faces, digits of a class, points."""
    expect_between(1, _MOST, count=count)
    expect_number(0, 10, truncation=truncation)
    expect_seed(2**32, seed=seed)
    path = expect_path(output=output)
    array = path.suffix == ".npy" and not each
    if each:
        empty = not path.exists() or path.is_dir() and not any(path.iterdir())
        sentence = "With --each the argument output must be a new or empty folder, but "
        require(empty, f"{sentence}{path} is not.", "output")
    elif array:
        expect_writable(path)
    else:
        expect_drawing(seed, output)
    drawing = loaded(model, seed)
    if not array:
        expect_pictures(drawing)
    asked, between = conditions_asked(drawing, class_, words, condition, from_, to)
    if between:
        # Eight pictures on each line, and as many lines as needed.
        ways = (8, -(-count // 8), seed, truncation)
        pictures = drawing.interpolate(*between, *ways)[:count]
    else:
        pictures = drawing.draw(count, class_, seed, truncation, asked)
    if array or each:
        if array:
            _write_array(pictures.reshape(count, *drawing.shape), path)
        else:
            _write_each(pictures, path)
        print(path)
        return
    from gan import plots

    title = f"{drawing.noun}s that do not exist"
    if words is not None:
        title = words
    elif between:
        title = f"from {from_} to {to}"
    elif class_ is not None:
        title = f"class {class_}"
    if drawing.classes and class_ is None:
        labels = drawing.labels(count)
        figure = plots.by_class(pictures, labels, drawing.names, title)
    else:
        figure = plots.mosaic(pictures, 8 if between else None, title)
    finish(figure, output, show)


def _write_array(examples, path):
    import numpy as np

    with atomic_path(path) as temporary:
        np.save(temporary, examples)


def _write_each(pictures, folder):
    from gan import plots

    with made_folder(folder):
        for number, picture in enumerate(pictures, 1):
            plots.write_png(picture, folder / f"{number:05d}.png")


def walk(
    model: str = PRETRAINED,
    /,
    shape: Literal["circle", "star", "segment"] = "circle",
    rays: int = 4,
    count: int = 20,
    class_: str | None = None,
    seed: int = 18,
    output: str = "walk.gif",
    show: bool = False,
) -> None:
    """Animate the pictures on a walk through latent space, and draw some of them."""
    expect_between(1, 50, rays=rays)
    expect_between(2, 100, count=count)
    from gan.animation import ENDINGS, expect_animation, write_animation

    path = expect_drawing(seed, output, *ENDINGS)
    animated = path.suffix in ENDINGS
    if animated:
        expect_animation(path, _RATE)
    picture = expect_writable(path.with_suffix(".png")) if animated else path
    drawing = loaded(model, seed)
    expect_pictures(drawing)
    from gan import plots

    latents, columns, every, title = _path(drawing, shape, rays, count, seed)
    # A walk stays in one class, by default the first.
    label = 0 if class_ is None and drawing.classes else class_
    one = drawing.conditions(1)[0] if drawing.condition_shape else None
    pictures = drawing.draw(latents, label, condition=one)
    if animated:
        frames = (plots.tile(face[None], scale=_SCALE) for face in pictures)
        print(write_animation(frames, path, _RATE))
    finish(plots.mosaic(pictures[::every], columns, title), picture, show)


def _path(drawing, shape, rays, count, seed):
    """The latents of a walk; columns, frame step and title of its picture."""
    from gan import walks

    noun = drawing.noun
    if shape == "segment":
        latents = walks.segment(*drawing.latents(2, seed), count)
        title = f"from one {noun} to another, along a segment of latent space"
        return latents, count, 1, title
    if shape == "circle":
        latents = walks.circle(*drawing.latents(2, seed))
        return latents, 10, 3, "once round a circle in latent space"
    title = f"a star in latent space: each row from one {noun} to another, and back"
    centre, *directions = drawing.latents(1 + rays, seed)
    return walks.star(centre, directions), 12, 2, title


def export(
    model: str = PRETRAINED,
    /,
    to: Literal["keras", "onnx", "savedmodel", "tflite", "card"] = "keras",
    output: str | None = None,
    pictures: str | None = None,
    seed: int = 0,
) -> None:
    """Write the generator alone, for a colleague who does not have this library."""
    require(
        pictures is None or to == "card",
        "The argument pictures applies only to --to card, which measures the fakes.",
        "pictures",
    )
    expect_seed(2**32, seed=seed)
    if to == "card":
        _export_card(model, expect_path(output=output or "card"), pictures, seed)
        return
    path = expect_path(output=output or f"generator{_ENDINGS[to]}")
    if to == "savedmodel":
        new = not path.suffix and not path.exists()
        sentence = f"The argument output must be a new folder, but it is {path}."
        require(new, sentence, "output")
        expect_writable(path)
    else:
        expect_output(str(path), _ENDINGS[to])
    translator = translating(model)
    drawing = loaded(model) if translator is None else translator
    from gan.saving.export import export_generator

    if translator is None:
        latents, given = drawing.latents(100), drawing.conditions(100)
        inputs = [latents] if given is None else [latents, given]
    else:
        inputs = translator.some_inputs(100)
    network, about = drawing.network, {}
    if to == "onnx" and translator is None:
        network, about = _for_onnx(drawing)
    difference = export_generator(network, path, to, inputs, about)
    kind = "latents" if translator is None else "inputs"
    print(f"largest difference from Keras on 100 {kind}: {difference:.1e}")
    if "pictures" in about:
        print(f"it draws {about['pictures']}")
    elif drawing.pixel_range:
        black, white = drawing.pixel_range
        print(f"{black:g} means black and {white:g} means white")
    print(path)


def _for_onnx(drawing):
    """The network for ONNX, with pictures in [0, 1], and the metadata of the file."""
    import json

    from gan.saving.export import picture_network
    from gan.training.networks import is_picture

    latents = getattr(drawing.latent_generator, "latent_type", "of the user's own")
    about = {"title": repr(drawing), "latents": latents}
    if drawing.classes:
        about["classes"] = json.dumps(drawing.names)
    if not is_picture(drawing.shape):
        return drawing.network, about
    about["pictures"] = "pictures in [0, 1]: 0 is black and 1 is white"
    return picture_network(drawing.network, *drawing.picture), about


def _export_card(model, folder, pictures, seed):
    """Write the folder of a model card completely or not at all."""
    import tempfile

    sentence = f"The argument output must be a new folder, but it is {folder}."
    require(not folder.suffix and not folder.exists(), sentence, "output")
    expect_writable(folder)
    drawing = loaded(model)
    expect_pictures(drawing)
    from gan.pages.card import write_card

    made = _made(expect_path(model=model))
    report = None
    if pictures is not None:
        from gan.metrics.report import evaluate_faces

        real = read_real(pictures, drawing.shape, bool(drawing.classes))
        real, labels = of_known_classes(drawing, real, print)
        count = len(real.pictures)
        sentence = "The argument pictures must name at least 200 pictures, not "
        require(count >= 200, f"{sentence}{count}.", "pictures")
        drawn = {"the fakes": drawn_as(drawing, labels, seed)}
        reports, _ = evaluate_faces(real.floats(), drawn, seed, depths=())
        report = reports["the fakes"]
        made["measured against"] = f"{count} pictures, {Path(pictures).name}"
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".gan-") as place:
        written = Path(place, "card")
        written.mkdir()
        for said in write_card(written, drawing, made, report, seed):
            print(said)
        written.rename(folder)
    print("Fill in the licence, and the last part of README.md, before you share it.")
    print(folder)


def _made(path):
    """The part of a card about the training, from the record of the run."""
    folder = path if path.is_dir() else path.parent
    made = {}
    with contextlib.suppress(InvalidInput):
        record = read_record(folder / RECORD)
        told = record.get("told") or {}
        # Only the last part of a path is shown, for privacy.
        data = Path(str(told.get("pictures") or "")).name
        made = {"data": data or "not recorded", "recipe": record["recipe"]}
        made["command"] = _command(told) or "gan.train, from Python"
        for name in ("seed", "epochs", "steps_per_epoch", "minutes"):
            made |= {name.replace("_", " "): record[name]} if name in record else {}
    return made or {"file": path.name}


def _command(told):
    """The command line that started a run, without default values."""
    words = []
    for name, value in told.items():
        if name == "command" or value in (None, False, "auto"):
            continue
        text = Path(str(value)).name if name in ("pictures", "output") else str(value)
        flag = f"--{name.rstrip('_').replace('_', '-')}"
        words += [flag] if value is True else [flag, text]
    return f"gan {told['command']} {' '.join(words)}" if words else None
