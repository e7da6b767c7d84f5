"""Commands that draw from a trained generator."""

from __future__ import annotations

from typing import Literal

from gan.cli.shared import (
    OURS,
    WEIGHTS,
    Generator,
    expect_drawing,
    finish,
    import_tensorflow,
    in_parts,
    named_outputs,
)
from gan.errors import (
    expect,
    expect_number,
    expect_path,
    expect_positive_int,
    expect_seed,
)
from gan.saving.files import atomic_path, expect_writable, made_folder

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
    """draw fake faces in one picture, the most convincing first (default)

    Example:
        faces --count 400 --seed 0 --output faces.png

    Args:
        count: faces
        discriminator (FILE.h5): discriminator weights, which sort the faces (default:
            ours)
    """
    expect_positive_int(count=count)
    expect(count <= 10_000, "count of at most 10000", count=count)
    expect_drawing(seed, output)
    import_tensorflow()
    import numpy as np

    from gan.generate_faces import convolutional_GenDiscr
    from gan.visualization import plots

    _, judge = convolutional_GenDiscr()
    drawing = Generator(generator, seed, (judge, discriminator))
    expected = "a generator of faces 16x16; generate draws from any other"
    expect(drawing.shape == (16, 16, 1), expected, shape=drawing.shape)
    fakes = drawing.fakes(drawing.latents(count))
    fakes = fakes[np.argsort(-in_parts(judge, fakes)[:, 0], kind="stable")]
    faces = drawing.pictures(fakes)[..., 0]
    finish(plots.mosaic(faces, title="fake faces"), output, show)


def generate(
    model: str = OURS,
    /,
    count: int = 64,
    class_: int | None = None,
    truncation: float = 1.0,
    each: bool = False,
    seed: int = 0,
    output: str = "generated.png",
    show: bool = False,
) -> None:
    """draw from any trained model: faces, digits of a class, points

    Example:
        generate run/model.keras --class 7 --count 16 --output sevens.png

    Args:
        model (MODEL): .keras file, folder of a run, or generator's .h5 (default: ours)
        count: pictures, 1 to 10000
        class_ (NUMBER): the class, where the model has classes (default: all by turns)
        truncation (FACTOR): of the latents: below 1 nearer to the average, above 1
            wilder
        each: single .png files in a folder named by --output, instead of one picture
        output (FILE): .png, .pdf or .svg, a folder with --each, or .npy for an array
    """
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
    drawing = Generator(model, seed, label=class_)
    latents = drawing.latents(count, truncation)
    import numpy as np

    from gan.visualization import plots

    if array:
        with atomic_path(path) as temporary:
            np.save(temporary, drawing.pictures(drawing.fakes(latents)))
        print(path)
        return
    pictures = drawing.draw(latents)
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
    """write the generator alone, for a colleague who does not have this library

    Example:
        export run/model.keras --to keras --output g.keras

    Args:
        model (MODEL): .keras file, folder of a run, or generator's .h5 (default: ours)
        to: Keras's own file, of plain Keras layers; ONNX; a folder that TensorFlow
            loads; LiteRT
        output (FILE): to write (default: generator with the usual ending)
    """
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
    drawing = Generator(model, 0)
    from gan.saving.export import export_generator

    latents = drawing.latents(100)
    inputs = [latents, drawing.labels(100)] if drawing.classes else [latents]
    difference = export_generator(drawing.network, path, to, inputs)
    print(f"largest difference from Keras on 100 latents: {difference:.1e}")
    print(path)


def segment(
    count: int = 20,
    generator: str = OURS,
    class_: int | None = None,
    seed: int = 18,
    output: str = "segment.png",
    show: bool = False,
) -> None:
    """draw the faces along a segment between two latent vectors

    Example:
        segment --seed 18 --output segment.png

    Args:
        count: faces, 2 to 100
        class_ (NUMBER): the class, where the model has classes (default: 0)
    """
    expect_positive_int(count=count)
    expect(2 <= count <= 100, "count from 2 to 100", count=count)
    expect_drawing(seed, output)
    drawing = Generator(generator, seed, label=class_)
    drawing.label = drawing.label or 0
    from gan.visualization import plots, walks

    start, end = drawing.latents(2)
    pictures = drawing.draw(walks.segment(start, end, count))
    title = "from one face to another, along a segment of latent space"
    finish(plots.strip(pictures, title=title), output, show)


def walk(
    shape: Literal["circle", "star"] = "circle",
    rays: int = 4,
    generator: str = OURS,
    class_: int | None = None,
    seed: int = 18,
    output: str = "walk.gif",
) -> None:
    """animate the faces on a walk through latent space, and draw some of them

    Example:
        walk --shape circle --seed 18 --output walk.gif

    Args:
        shape: a circle comes back to the first face; a star goes from it to others and
            back
        rays: of the star, 1 to 50
        class_ (NUMBER): the class, where the model has classes (default: 0)
        output (FILE.gif): animation to write; some of its faces are drawn in a .png
            beside it
    """
    expect(1 <= rays <= 50, "rays from 1 to 50", rays=rays)
    expect_seed(2**32, seed=seed)
    path = expect_writable(output)
    expect(path.suffix == ".gif", "an output that ends in .gif", output=output)
    strip = expect_writable(path.with_suffix(".png"))
    drawing = Generator(generator, seed, label=class_)
    drawing.label = drawing.label or 0
    from gan.visualization import plots, walks
    from gan.visualization.animation import write_gif

    if shape == "circle":
        latents = walks.circle(*drawing.latents(2))
        columns, every = 10, 3
        title = "once round a circle in latent space"
    else:
        centre, *directions = drawing.latents(1 + rays)
        latents = walks.star(centre, directions)
        columns, every = 12, 2
        title = "a star in latent space: each row from one face to another, and back"
    pictures = drawing.draw(latents)
    frames = (plots.tile(face[None], scale=_SCALE) for face in pictures)
    print(write_gif(frames, path, frames_per_second=12.5))
    print(plots.save(plots.mosaic(pictures[::every], columns, title), strip))


def pca(
    pictures: str,
    depth: int = 128,
    generator: str = OURS,
    seed: int = 0,
    output: str = "pca.png",
    show: bool = False,
) -> None:
    """compare the generator with one that draws principal coordinates: its faces, the
    49 histograms and the chi-square evidence

    Example:
        pca --pictures small_res_faces_10000.npy --output pca.png

    Args:
        pictures (FILE.npy): the real faces
        depth: coordinates of the PCA fakes, 49 to 256
    """
    expect(_COORDINATES <= depth <= 256, "depth from 49 to 256", depth=depth)
    expect_drawing(seed, output)
    paths = named_outputs(output, "fakes", "reconstructions", "histograms", "chi2")
    from gan.data.faces import load_faces
    from gan.evaluation.pca import fit_pca
    from gan.visualization import plots

    real = load_faces(pictures).pictures
    expect(len(real) >= 200, "at least 200 pictures", N=len(real))
    components = fit_pca(real)
    varying = int((components.deviations[:_COORDINATES] > 0).sum())
    expected = f"pictures that vary along at least {_COORDINATES} axes"
    expect(varying == _COORDINATES, expected, path=pictures, axes=varying)
    drawing = Generator(generator, seed)
    count = min(len(real), _MOST)
    gan_fakes = drawing.draw(drawing.latents(count))
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

    from gan.evaluation import metrics
    from gan.evaluation.pca import chi2_density, chi2_distance
    from gan.visualization import plots

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
