"""The command that writes a page for a browser."""

from __future__ import annotations

from gan.cli.shared import (
    expect_output,
    expect_pictures,
    loaded,
    read_real,
    translating,
)
from gan.errors import require, shown
from gan.generators.weights import PRETRAINED

_MOST_EXAMPLES = 12  # pictures that a page of a translator starts with


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
    # Arguments that are not valid text contain surrogates.
    plain = not any("\ud800" <= one <= "\udfff" for one in title or "")
    require(plain, "The argument title must be valid UTF-8 text.", "title")
    translator = translating(model)
    if translator is not None:
        _page_of(translator, path, title, discriminator, pictures, show_nearest)
        return
    drawing = loaded(model)
    expect_pictures(drawing)
    require(
        (pictures is not None) == show_nearest,
        "Give --pictures together with --show-nearest: the page then contains these "
        "pictures, and shows them to everyone who opens it.",
        "pictures",
    )
    kind = getattr(drawing.latent_generator, "latent_type", None)
    said = "The latent generator must be one of gan.latent: a page cannot run others."
    require(kind, said, "model")
    from gan.pages import generator_page

    faces = drawing.noun == "face"
    usual = "This person does not exist" if faces else "These pictures do not exist"
    names, conditions = _vectors(drawing)
    shape, labelled = drawing.shape, bool(drawing.classes)
    nearest = pictures and read_real(pictures, shape, labelled).pictures
    generator_page(
        path,
        drawing.network,
        kind,
        drawing.picture,
        _discriminator(drawing, discriminator),
        names,
        title or usual,
        nearest,
        conditions,
        drawing.directions.values(),
    )
    print(f"{path.stat().st_size / 1e6:.1f} MB")
    print(path)


def _page_of(translator, path, title, discriminator, pictures, show_nearest):
    """Write the page of a model that makes pictures from pictures."""
    for name, value in (("discriminator", discriminator), ("nearest", show_nearest)):
        said = f"--{name} does not apply to a model that makes pictures from pictures."
        require(not value, said.replace("--nearest", "--show-nearest"), name)
    from gan.pages import translator_page

    shape = translator.input_shape if translator.condition is None else translator.shape
    examples = None
    if pictures is not None:
        examples = read_real(pictures, shape).floats()[:_MOST_EXAMPLES]
    elif shape == (16, 16, 1):
        # Start with generated faces.
        examples = loaded(PRETRAINED).draw(_MOST_EXAMPLES)
    translator_page(path, translator, title or "A picture from a picture", examples)
    print(f"{path.stat().st_size / 1e6:.1f} MB")
    print(path)


def _vectors(drawing):
    """Names to choose from on the page, and the vectors that they stand for, if any."""
    if not drawing.condition_shape:
        return drawing.names, None
    vectors, words = drawing.usual_conditions, drawing.words
    said = "The model has no usual_conditions, but a page needs "
    require(vectors is not None, f"{said}some.", "model")
    if words is not None:
        return [words.said(vector) for vector in vectors], vectors
    return [" ".join(f"{number:.4g}" for number in one) for one in vectors], vectors


def _discriminator(drawing, given):
    """The discriminator that the page is to show: the model's own, or from a file."""
    if given is None:
        return None
    if drawing.discriminator is not None:
        sentence = 'The argument discriminator must be "own" for a model that has one, '
        sentence += f"but it is {shown(given)}."
        require(given == "own", sentence, "discriminator")
        return drawing.discriminator
    from gan.generate_faces import convolutional_GenDiscr
    from gan.saving.weights_file import load_weights

    _, discriminator = convolutional_GenDiscr()
    load_weights((discriminator, given))
    return discriminator
