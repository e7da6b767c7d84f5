"""Commands that write pages for a browser."""

from __future__ import annotations

from gan.cli.shared import expect_pictures, import_tensorflow, loaded, read_real
from gan.errors import InvalidInput, expect, expect_seed, require
from gan.generators.weights import OURS
from gan.support.files import expect_writable


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
    drawing = loaded(model)
    expect_pictures(drawing)
    kind = getattr(drawing.latent_generator, "latent_type", None)
    said = "The model's latents must be of gan.latent, which a page knows how to draw."
    require(kind, said, "model")
    from gan.pages import generator_page

    faces = drawing.shape == (16, 16, 1)
    usual = "This person does not exist" if faces else "These pictures do not exist"
    nearest = None
    if pictures is not None:
        nearest = read_real(pictures, drawing.shape, bool(drawing.classes)).pictures
    generator_page(
        path,
        drawing.network,
        kind,
        drawing.picture,
        _discriminator(drawing, judge),
        drawing.names,
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
    """Write a page of the failures that everyone meets, and their cures."""
    expect_seed(2**32, seed=seed)
    path = expect_writable(output)
    expect(path.suffix == ".html", "an output that ends in .html", output=output)
    import_tensorflow()
    from gan.lessons.guide import write_guide

    write_guide(path, seed)
    print(path)
