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
)
from gan.errors import expect_between, expect_number, expect_path, expect_seed, require
from gan.generators.weights import PRETRAINED, WEIGHTS
from gan.support.files import atomic_path, expect_writable, made_folder

_MOST = 10_000  # pictures in one call
_RATE = 12.5  # frames a second of an animation
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
    pictures = drawing.draw(count, class_, seed, truncation)
    if array or each:
        if array:
            _write_array(pictures.reshape(count, *drawing.shape), path)
        else:
            _write_each(pictures, path)
        print(path)
        return
    from gan import plots

    title = f"{drawing.noun}s that do not exist"
    if drawing.classes and class_ is None:
        labels = drawing.labels(count)
        figure = plots.by_class(pictures, labels, drawing.names, title)
    else:
        title = title if class_ is None else f"class {class_}"
        figure = plots.mosaic(pictures, title=title)
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
    # A walk stays in one class, the first where none was asked for.
    label = 0 if class_ is None and drawing.classes else class_
    pictures = drawing.draw(latents, label)
    if animated:
        frames = (plots.tile(face[None], scale=_SCALE) for face in pictures)
        print(write_animation(frames, path, _RATE))
    finish(plots.mosaic(pictures[::every], columns, title), picture, show)


def _path(drawing, shape, rays, count, seed):
    """The latents of a walk; columns, the step and the title of its picture."""
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
    drawing = loaded(model)
    from gan.saving.export import export_generator

    latents = drawing.latents(100)
    inputs = [latents, drawing.labels(100)] if drawing.classes else [latents]
    difference = export_generator(drawing.network, path, to, inputs)
    print(f"largest difference from Keras on 100 latents: {difference:.1e}")
    if drawing.pixel_range:
        black, white = drawing.pixel_range
        print(f"in what it draws {black:g} is black and {white:g} is white")
    print(path)
