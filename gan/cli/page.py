"""Commands that write pages for a browser."""

from __future__ import annotations

import contextlib
import pathlib

from gan.cli.shared import OURS, Generator, import_tensorflow
from gan.errors import InvalidInput, expect, expect_seed
from gan.recipes.run import read_record
from gan.saving.files import expect_writable


def page(
    model: str = OURS,
    /,
    output: str = "page.html",
    title: str | None = None,
    judge: str | None = None,
    pictures: str | None = None,
    show_nearest: bool = False,
) -> None:
    """Write a page that runs a generator in the browser."""
    path = expect_writable(output)
    expect(path.suffix == ".html", "an output that ends in .html", output=output)
    try:
        (title or "").encode()
    except UnicodeEncodeError:
        sentence = "The argument title must be text in UTF-8, as a page is."
        raise InvalidInput(sentence, "title") from None
    both = (pictures is not None) == show_nearest
    expected = "both or none, for the page shows these pictures to whoever opens it"
    expect(both, f"--pictures and --show-nearest: {expected}", pictures=pictures)
    drawing = Generator(model, 0)
    fits = len(drawing.shape) == 3 and drawing.shape[2] in (1, 3)
    expect(fits, "a model of pictures", shape=drawing.shape)
    from gan.data.pictures import read_pictures
    from gan.visualization.page import generator_page

    height, width, channels = drawing.shape
    faces = drawing.shape == (16, 16, 1)
    usual = "This person does not exist" if faces else "These pictures do not exist"
    nearest = None
    if pictures is not None:
        nearest, _ = read_pictures(pictures, (height, width), channels == 3)
    generator_page(
        path,
        drawing.network,
        drawing.sampler.latent_type,
        drawing.picture,
        _discriminator(drawing, judge),
        _names(model, drawing.classes),
        title or usual,
        nearest,
    )
    print(f"{path.stat().st_size / 1e6:.1f} MB")
    print(path)


def _discriminator(drawing, judge):
    if judge is None or drawing.discriminator is not None:
        own = judge in (None, "own")
        expect(own, '"own": the model has a discriminator', judge=judge)
        return drawing.discriminator if judge else None
    from gan.generate_faces import convolutional_GenDiscr
    from gan.saving.weights_file import load_weights

    _, discriminator = convolutional_GenDiscr()
    load_weights((discriminator, judge))
    return discriminator


def _names(model, classes):
    """Names of the classes: those that a run noted, or their numbers."""
    if not classes:
        return None
    path, names = pathlib.Path(model), []
    # A model may have come without the folder of its run.
    with contextlib.suppress(InvalidInput):
        folder = path if path.is_dir() else path.parent
        names = read_record(folder / "run.json").get("names", [])
    fits = isinstance(names, list) and len(names) == classes
    return [str(name) for name in names] if fits else [*map(str, range(classes))]


def guide(seed: int = 0, output: str = "guide.html") -> None:
    """Write a page of the failures that everyone meets, and their cures."""
    expect_seed(2**32, seed=seed)
    path = expect_writable(output)
    expect(path.suffix == ".html", "an output that ends in .html", output=output)
    import_tensorflow()
    from gan.recipes.guide import write_guide

    write_guide(path, seed)
    print(path)
