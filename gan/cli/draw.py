"""Commands that draw from a trained generator."""

from __future__ import annotations

from typing import Literal

from gan.cli.shared import (
    expect_drawing,
    expect_pictures,
    finish,
    import_tensorflow,
    loaded,
    named_outputs,
)
from gan.errors import (
    expect,
    expect_number,
    expect_path,
    expect_positive_int,
    expect_seed,
)
from gan.generators.weights import OURS, WEIGHTS
from gan.support.files import atomic_path, expect_writable, made_folder

_SCALE = 8  # screen pixels of a face's pixel in an animation
_COORDINATES = 49
_MOST = 10_000  # fakes of each kind that `pca` compares


def faces(
    count: int = 400,
    generator: str = OURS,
    discriminator: str = str(WEIGHTS / "discriminator.h5"),
    seed: int = 0,
    output: str = "faces.png",
    show: bool = False,
) -> None:
    """Draw fake faces in one picture, the most convincing first (default)."""
    expect_positive_int(count=count)
    expect(count <= 10_000, "count of at most 10000", count=count)
    expect_drawing(seed, output)
    import_tensorflow()
    import numpy as np

    from gan import plots
    from gan.generate_faces import convolutional_GenDiscr
    from gan.generators.trained import in_parts
    from gan.saving.weights_file import load_weights

    drawing = loaded(generator, seed)
    expected = "a generator of faces 16x16; generate draws from any other"
    expect(drawing.shape == (16, 16, 1), expected, shape=drawing.shape)
    _, judge = convolutional_GenDiscr()
    load_weights((judge, discriminator))
    fakes = drawing.outputs(count, seed=seed)
    fakes = fakes[np.argsort(-in_parts(judge, fakes)[:, 0], kind="stable")]
    faces = drawing.pictures(fakes)[..., 0]
    finish(plots.mosaic(faces, title="fake faces"), output, show)


def generate(
    model: str = OURS,
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
    expect_positive_int(count=count)
    expect(count <= 10_000, "count of at most 10000", count=count)
    expect_number(0, 10, truncation=truncation)
    expect_seed(2**32, seed=seed)
    path = expect_path(output=output)
    array = path.suffix == ".npy"
    if each:
        expected = "a new or empty folder with --each"
        empty = not path.exists() or path.is_dir() and not any(path.iterdir())
        expect(empty, expected, output=output)
    elif array:
        expect_writable(path)
    else:
        expect_drawing(seed, output)
    drawing = loaded(model, seed)
    if not array:
        expect_pictures(drawing)
    pictures = drawing.draw(count, class_, seed, truncation)
    import numpy as np

    from gan import plots

    if array:
        with atomic_path(path) as temporary:
            shape = (count, *drawing.shape)
            np.save(temporary, np.reshape(pictures, shape))
        print(path)
        return
    if each:
        with made_folder(path):
            for number, picture in enumerate(pictures, 1):
                plots.write_png(picture, path / f"{number:05d}.png")
        print(path)
        return
    columns = drawing.classes if class_ is None else None
    title = "generated" if class_ is None else f"class {class_}"
    columns = columns if columns and columns <= count else None
    finish(plots.mosaic(pictures, columns, title), output, show)


def export(
    model: str = OURS,
    /,
    to: Literal["keras", "onnx", "savedmodel", "tflite"] = "keras",
    output: str | None = None,
) -> None:
    """Write the generator alone, for a colleague who does not have this library."""
    endings = {
        "keras": ".keras",
        "onnx": ".onnx",
        "savedmodel": "",
        "tflite": ".tflite",
    }
    path = expect_path(output=output or f"generator{endings[to]}")
    expect(path.suffix == endings[to], f"an output in {endings[to]!r}", output=output)
    new = to != "savedmodel" or not path.exists()
    expect(new, "a new folder", output=str(path))
    expect_writable(path)
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


def segment(
    count: int = 20,
    generator: str = OURS,
    class_: str | None = None,
    seed: int = 18,
    output: str = "segment.png",
    show: bool = False,
) -> None:
    """Draw the faces along a segment between two latent vectors."""
    expect_positive_int(count=count)
    expect(2 <= count <= 100, "count from 2 to 100", count=count)
    expect_drawing(seed, output)
    drawing = loaded(generator, seed)
    label = _one_class(drawing, class_)
    from gan import plots, walks

    start, end = drawing.latents(2, seed)
    pictures = drawing.draw(walks.segment(start, end, count), label)
    title = "from one face to another, along a segment of latent space"
    finish(plots.strip(pictures, title=title), output, show)


def walk(
    shape: Literal["circle", "star"] = "circle",
    rays: int = 4,
    generator: str = OURS,
    class_: str | None = None,
    seed: int = 18,
    output: str = "walk.gif",
) -> None:
    """Animate the faces on a walk through latent space, and draw some of them."""
    expect(1 <= rays <= 50, "rays from 1 to 50", rays=rays)
    expect_seed(2**32, seed=seed)
    path = expect_writable(output)
    expect(path.suffix == ".gif", "an output that ends in .gif", output=output)
    strip = expect_writable(path.with_suffix(".png"))
    drawing = loaded(generator, seed)
    label = _one_class(drawing, class_)
    from gan import plots, walks
    from gan.animation import write_gif

    if shape == "circle":
        latents = walks.circle(*drawing.latents(2, seed))
        columns, every = 10, 3
        title = "once round a circle in latent space"
    else:
        centre, *directions = drawing.latents(1 + rays, seed)
        latents = walks.star(centre, directions)
        columns, every = 12, 2
        title = "a star in latent space: each row from one face to another, and back"
    pictures = drawing.draw(latents, label)
    frames = (plots.tile(face[None], scale=_SCALE) for face in pictures)
    print(write_gif(frames, path, frames_per_second=12.5))
    print(plots.save(plots.mosaic(pictures[::every], columns, title), strip))


def _one_class(drawing, class_):
    """The class that a walk stays in: the first, where none was asked for."""
    expect_pictures(drawing)
    return 0 if class_ is None and drawing.classes else class_


def pca(
    pictures: str,
    depth: int = 128,
    generator: str = OURS,
    seed: int = 0,
    output: str = "pca.png",
    show: bool = False,
) -> None:
    """Compare the generator with one that draws principal coordinates: its faces, the
    49 histograms and the chi-square evidence."""
    expect(_COORDINATES <= depth <= 256, "depth from 49 to 256", depth=depth)
    expect_drawing(seed, output)
    paths = named_outputs(output, "fakes", "reconstructions", "histograms", "chi2")
    from gan import plots
    from gan.faces import load_faces
    from gan.metrics.pca import fit_pca

    real = load_faces(pictures).pictures
    expect(len(real) >= 200, "at least 200 pictures", N=len(real))
    components = fit_pca(real)
    varying = int((components.deviations[:_COORDINATES] > 0).sum())
    expected = f"pictures that vary along at least {_COORDINATES} axes"
    expect(varying == _COORDINATES, expected, path=pictures, axes=varying)
    drawing = loaded(generator, seed)
    count = min(len(real), _MOST)
    gan_fakes = drawing.draw(count, seed=seed)
    pca_fakes = components.sample(count, depth, seed)
    reconstructed = components.pictures(components.coordinates(real[:100], 128))
    fakes_title = f"fakes of {depth} independent principal coordinates"
    figures = [
        plots.mosaic(pca_fakes[:100], title=fakes_title),
        plots.mosaic(reconstructed, title="real faces from 128 principal coordinates"),
        *_evidence(components, real, pca_fakes, gan_fakes, seed),
    ]
    for figure, path in zip(figures, paths, strict=True):
        print(plots.save(figure, path))
    if show:
        plots.show(figures[-1])


def _evidence(components, real, pca_fakes, gan_fakes, seed):
    """The histograms of the coordinates, and of the sums of their squares."""
    import numpy as np

    from gan import metrics, plots
    from gan.metrics.pca import chi2_density, chi2_distance

    whitened = components.coordinates(real, _COORDINATES)
    shuffled = np.random.default_rng(seed).permuted(whitened, axis=0)
    lengths = {}
    for name, pictures in (
        ("real", real),
        ("real, each coordinate shuffled", components.pictures(shuffled)),
        ("PCA fakes", pca_fakes),
        ("GAN fakes", gan_fakes),
    ):
        coordinates = components.coordinates(pictures, _COORDINATES)
        law, gap = chi2_distance(coordinates), metrics.chi2_gap(real, pictures)
        distances = f"KS distance to χ² {law:.3f}, to real {gap:.3f}"
        lengths[f"{name}\n{distances}"] = (coordinates**2).sum(axis=1)
    x = np.linspace(1e-9, 150, 301)
    chi2 = plots.histograms_and_density(
        lengths,
        (x, chi2_density(x, _COORDINATES)),
        "density of χ²(49)",
        "sum of the squares of 49 whitened principal coordinates",
    )
    x = np.linspace(-4, 4, 201)
    histograms = plots.histograms_and_density(
        {str(i + 1): column for i, column in enumerate(whitened.T)},
        (x, np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)),
        "density of N(0, 1)",
        "49 first principal coordinates of the real faces, whitened",
    )
    return histograms, chi2
