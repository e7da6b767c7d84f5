"""The command that writes a page for a browser."""

from __future__ import annotations

from gan.cli.shared import expect_output, expect_pictures, loaded, read_real
from gan.errors import require, shown
from gan.generators.weights import PRETRAINED


def page(
    model: str = PRETRAINED,
    /,
    output: str = "page.html",
    title: str | None = None,
    discriminator: str | None = None,
    pictures: str | None = None,
    show_nearest: bool = False,
) -> None:
    """Write a page that runs a generator in the browser."""
    path = expect_output(output, ".html")
    # A name of the command line that is no text holds such characters.
    plain = not any("\ud800" <= one <= "\udfff" for one in title or "")
    require(plain, "The argument title must be text in UTF-8, as a page is.", "title")
    require(
        (pictures is not None) == show_nearest,
        "Give --pictures and --show-nearest both or neither, for the page shows these "
        "pictures to whoever opens it.",
        "pictures",
    )
    drawing = loaded(model)
    expect_pictures(drawing)
    kind = getattr(drawing.latent_generator, "latent_type", None)
    said = "The model's latents must be of gan.latent, which a page knows how to draw."
    require(kind, said, "model")
    from gan.pages import generator_page

    faces = drawing.noun == "face"
    usual = "This person does not exist" if faces else "These pictures do not exist"
    shape, labelled = drawing.shape, bool(drawing.classes)
    nearest = pictures and read_real(pictures, shape, labelled).pictures
    generator_page(
        path,
        drawing.network,
        kind,
        drawing.picture,
        _discriminator(drawing, discriminator),
        drawing.names,
        title or usual,
        nearest,
    )
    print(f"{path.stat().st_size / 1e6:.1f} MB")
    print(path)


def _discriminator(drawing, given):
    """The discriminator that the page is to show: the model's own, or of a file."""
    if given is None:
        return None
    if drawing.discriminator is not None:
        sentence = 'The argument discriminator must be "own", for the model has one, '
        sentence += f"but it is {shown(given)}."
        require(given == "own", sentence, "discriminator")
        return drawing.discriminator
    from gan.generate_faces import convolutional_GenDiscr
    from gan.saving.weights_file import load_weights

    _, discriminator = convolutional_GenDiscr()
    load_weights((discriminator, given))
    return discriminator
