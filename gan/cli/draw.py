"""Commands that draw from a trained generator."""

from __future__ import annotations

from typing import Literal

from gan.cli.shared import (
    expect_drawing,
    expect_output,
    expect_pictures,
    finish,
    import_tensorflow,
    loaded,
    translating,
)
from gan.errors import expect_between, expect_number, expect_path, expect_seed, require
from gan.generators.weights import PRETRAINED, WEIGHTS
from gan.support.files import atomic_path, expect_writable, made_folder

_MOST = 10_000  # pictures in one call
_SCALE = 8  # screen pixels of a face's pixel in an animation
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
        f"{drawing.shape}: the command generate draws from any other.",
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
    asked, between = _asked(drawing, class_, words, condition, from_, to)
    if between:
        # Eight on each way, as many ways as are needed.
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

    columns = drawing.classes if class_ is None else None
    columns = columns if columns and columns <= count else None
    title = "generated" if class_ is None else f"class {class_}"
    if words is not None:
        title = words
    elif between:
        columns, title = 8, f"from {from_} to {to}"
    finish(plots.mosaic(pictures, columns, title), output, show)


def _asked(drawing, class_, words, condition, from_, to):
    """What a generator of vectors is asked for: one condition, or two ends of a way."""
    said = "Give the options from and to both or neither, for pictures between them."
    require((from_ is None) == (to is None), said, "from")
    given = {"class": class_, "words": words, "condition": condition, "from": from_}
    given = [name for name, value in given.items() if value is not None]
    said = f"The options {' and '.join(given)} exclude each other: give one of them."
    require(len(given) < 2, said, given[-1] if given else None)
    name = given[0] if given else None
    takes = drawing.condition_shape
    require(
        name in (None, "class") or takes,
        f"The option {name} is for models that take words or vectors, and this one "
        f"takes {'classes: give --class' if drawing.classes else 'neither'}.",
        name,
    )
    said = "The option words is for models of words, and this one takes vectors of "
    said += f"{takes and takes[0]} numbers: give --condition."
    require(words is None or drawing.words is not None, said, "words")
    asked = words if condition is None else _vector(drawing, condition, "condition")
    if from_ is None:
        return asked, None
    return None, [
        one if drawing.words is not None else _vector(drawing, one, name)
        for one, name in ((from_, "from"), (to, "to"))
    ]


def _vector(drawing, text, name):
    """The numbers of a text such as "1,0,.5"."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    size = drawing.condition_shape[0]
    require(
        len(numbers) == size,
        f"The option {name} must be {size} numbers with commas between them, such as "
        f"{','.join(['0', '1'][: min(size, 2)])}, but it is {text!r}.",
        name,
    )
    return numbers


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
    path = expect_drawing(seed, output, ".gif")
    animated = path.suffix == ".gif"
    picture = expect_writable(path.with_suffix(".png")) if animated else path
    drawing = loaded(model, seed)
    expect_pictures(drawing)
    from gan import plots
    from gan.animation import write_gif

    latents, columns, every, title = _path(drawing, shape, rays, count, seed)
    # A walk stays in one class, the first where none was asked for.
    label = 0 if class_ is None and drawing.classes else class_
    one = drawing.conditions(1)[0] if drawing.condition_shape else None
    pictures = drawing.draw(latents, label, condition=one)
    if animated:
        frames = (plots.tile(face[None], scale=_SCALE) for face in pictures)
        print(write_gif(frames, path, frames_per_second=12.5))
    finish(plots.mosaic(pictures[::every], columns, title), picture, show)


def _path(drawing, shape, rays, count, seed):
    """The latents of a walk; columns, the step and the title of its picture."""
    from gan import walks

    if shape == "segment":
        latents = walks.segment(*drawing.latents(2, seed), count)
        title = "from one face to another, along a segment of latent space"
        return latents, count, 1, title
    if shape == "circle":
        latents = walks.circle(*drawing.latents(2, seed))
        return latents, 10, 3, "once round a circle in latent space"
    centre, *directions = drawing.latents(1 + rays, seed)
    title = "a star in latent space: each row from one face to another, and back"
    return walks.star(centre, directions), 12, 2, title


def export(
    model: str = PRETRAINED,
    /,
    to: Literal["keras", "onnx", "savedmodel", "tflite"] = "keras",
    output: str | None = None,
) -> None:
    """Write the generator alone, for a colleague who does not have this library."""
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
    difference = export_generator(drawing.network, path, to, inputs)
    kind = "latents" if translator is None else "inputs"
    print(f"largest difference from Keras on 100 {kind}: {difference:.1e}")
    if drawing.pixel_range:
        black, white = drawing.pixel_range
        print(f"in what it draws {black:g} is black and {white:g} is white")
    print(path)
