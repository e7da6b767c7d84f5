"""Commands that write pages for a browser."""

from __future__ import annotations

from gan.cli.shared import OURS, Generator, import_tensorflow, names_of
from gan.errors import expect, expect_seed
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
    """write one file of HTML that runs a generator in the browser: faces at a click,
    walls, sliders, mixtures, walks

    Example:
        page run/model.keras --title "My digits" --output digits.html

    Args:
        model (MODEL): a .keras file, the folder of a run or a generator of faces in
            .h5 (default: ours)
        output (FILE.html): page to write; it fetches nothing, a double click opens it
        title (TEXT): shown at its top (default: "This person does not exist" for grey
            pictures of 16x16, "These pictures do not exist" for others)
        judge (FILE): discriminator to embed, whose opinion is shown: for faces an .h5,
            for other models "own"
        pictures (PATH): real pictures, all of which are embedded with --show-nearest
        show_nearest: show the nearest of --pictures beside each picture
    """
    path = expect_writable(output)
    expect(path.suffix == ".html", "an output that ends in .html", output=output)
    both = (pictures is not None) == show_nearest
    expected = "both or none, for the page shows these pictures to whoever opens it"
    expect(both, f"--pictures and --show-nearest: {expected}", pictures=pictures)
    drawing = Generator(model, 0)
    fits = len(drawing.shape) == 3 and drawing.shape[2] in (1, 3)
    expect(fits, "a model of pictures", shape=drawing.shape)
    from gan.data.pictures import read_pictures
    from gan.visualization.page import generator_page

    height, width, channels = drawing.shape
    numbers = [*map(str, range(drawing.classes or 0))]
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
        drawing.classes and (names_of(model, drawing.classes) or numbers),
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


def guide(seed: int = 0, output: str = "guide.html") -> None:
    """make the failures that everyone meets on purpose, and cure them: a page of
    pictures, curves, and what diagnose says; about a minute

    Example:
        guide --output guide.html

    Args:
        output (FILE.html): page to write
    """
    expect_seed(2**32, seed=seed)
    path = expect_writable(output)
    expect(path.suffix == ".html", "an output that ends in .html", output=output)
    import_tensorflow()
    from gan.recipes.guide import write_guide

    write_guide(path, seed)
    print(path)
