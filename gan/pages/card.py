"""Model cards: folders for sharing a model on a model hub."""

from __future__ import annotations

import json
import pathlib
import zipfile
from typing import Any

from gan import __version__, metrics, plots
from gan.errors import InvalidInput
from gan.generators.trained import TrainedGenerator
from gan.pages.generator import generator_page
from gan.saving.export import picture_network
from gan.support.files import atomic_path

Report = dict[str, dict[str, float]]
_LATENTS = {
    "normal": "rng.standard_normal({size})",
    "uniform": "rng.random({size})",
    "symmetric": "rng.uniform(-1, 1, {size})",
    "spheric": "[v / np.linalg.norm(v) for v in rng.standard_normal({size})]",
}
_NAME = "My generator"


def write_card(
    folder: pathlib.Path,
    generator: TrainedGenerator,
    made: dict[str, Any],
    report: Report | None = None,
    seed: int = 0,
) -> list[str]:
    """Writes a folder for sharing a trained generator.

    The folder can be uploaded to a model hub as it is. Keras can load the model without
    this library: the network in `generator.keras` has only Keras layers and draws
    pictures in [0, 1]. The folder also holds the network in the form for
    `keras.saving.load_model("hf://USER/NAME")`.

    Args:
        folder: `pathlib.Path` of an empty folder.
        generator: `TrainedGenerator` of pictures, with a sampler of `gan.latent`.
        made: dict of JSON values about the training, such as "data", "command" and
            "seed", all of which the card shows.
        report: result of `gan.metrics.evaluate`, or `None` without measures.
        seed: int, seed of the pictures on the card.

    Returns:
        List of str, which files could not be written, and why.

    Raises:
        InvalidInput: if the latents come from a user's own sampler.
    """
    kind = getattr(generator.latent_generator, "latent_type", None)
    if kind not in _LATENTS:
        said = "The latent generator must be one of gan.latent: a card has no code for "
        said += "others."
        raise InvalidInput(said, "model")
    network, missing = picture_network(generator.network, *generator.picture), []
    network.save(folder / "generator.keras")
    with zipfile.ZipFile(folder / "generator.keras") as archive:
        archive.extractall(folder)
    pictures = generator.draw(64, seed=seed)
    if generator.classes:
        labels = generator.labels(64)
        figure = plots.by_class(pictures, labels, generator.names or [])
    else:
        figure = plots.mosaic(pictures)
    plots.save(figure, folder / "samples.png")
    options = {"picture": generator.picture, "classes": generator.names}
    options["title"] = f"These {generator.noun}s do not exist"
    try:
        generator_page(folder / "page.html", generator.network, kind, **options)
    except InvalidInput as error:
        missing.append(f"page.html was left out: {error}")
    with atomic_path(folder / "README.md") as temporary:
        text = card(generator, made, report, page=not missing)
        temporary.write_text(text, encoding="utf-8")
    return missing


def card(
    generator: TrainedGenerator,
    made: dict[str, Any],
    report: Report | None = None,
    page: bool = True,
) -> str:
    """The text of a card: Markdown, with a YAML header.

    Args:
        generator: see `write_card`.
        made: see `write_card`.
        report: see `write_card`.
        page: bool, whether the folder holds a web page.

    Returns:
        str.
    """
    height, width, channels = generator.shape
    colour = "colour" if channels == 3 else "grey"
    what = f"{generator.noun}s of {height}×{width} pixels in {colour}"
    names = generator.names or []
    listed = ", ".join(_plain(name) for name in names[:50]) + ", …" * (len(names) > 50)
    dim = generator.latents(1).shape[1]
    kind = generator.latent_generator.latent_type
    latents = _LATENTS[kind].format(size=f"(16, {dim})")
    given = "[latents, np.arange(16) % CLASSES]" if names else "latents"
    given = given.replace("CLASSES", str(len(names)))
    parts = [
        _head(generator, report),
        f"# {_NAME}\n",
        f"This generative adversarial network draws {what}. It was trained with "
        f"keras-gan {__version__}.\n",
        f"Its classes, numbered from 0, are: {listed}.\n" if names else "",
        "![Sixty-four pictures that it draws, not selected](samples.png)\n",
        "## How to draw with it\n",
        "```python",
        "import keras",
        "import numpy as np\n",
        '# or "hf://USER/NAME", once this folder is on a hub',
        'generator = keras.saving.load_model("generator.keras")',
        "rng = np.random.default_rng(0)",
        f'latents = np.asarray({latents}, "float32")',
        f"pictures = np.asarray(generator({given}))",
        f"# array (16, {height}, {width}, {channels}), 0 is black and 1 is white",
        "```\n",
    ]
    if page:
        parts.append("`page.html` draws in the browser, without an installation.\n")
    parts += ["## How it was made\n", _table(("", ""), made.items())]
    parts += ["## How good it is\n", _measures(report)]
    parts += [
        "## What to know before using it\n",
        "Fill in where the training pictures come from and under which licence, what "
        "the model must not be used for, and what it draws badly.\n",
    ]
    return "\n".join(part for part in parts if part)


def _head(generator, report):
    """The YAML header, which hubs read."""
    task = "unconditional-image-generation"
    lines = ["---", "library_name: keras", f"pipeline_tag: {task}"]
    lines += ["license: unknown  # fill in, such as mit or cc-by-4.0"]
    lines += ["tags:", "- gan", "- generative-adversarial-network", "- keras-gan"]
    if report is not None:
        lines += ["model-index:", f"- name: {_NAME}", "  results:"]
        lines += ["  - task:", f"      type: {task}", "    dataset:"]
        lines += ["      name: the training pictures", "      type: image-folder"]
        lines += ["    metrics:"]
        for name, value in report.items():
            lines += [f"    - type: {name}", f"      value: {value['value']:.6g}"]
    return "\n".join([*lines, "---\n"])


def _measures(report):
    if report is None:
        return (
            "Nothing was measured. `gan export MODEL --to card --pictures PATH` adds "
            "the measures, for the fakes and for other real pictures.\n"
        )
    rows = []
    for name, measure in metrics.MEASURES.items():
        value, factor = report[name], measure.factor
        numbers = [factor * value[key] for key in ("value", "low", "high", "floor")]
        value, low, high, floor = (f"{n:.{measure.decimals}f}" for n in numbers)
        better = {True: "higher", False: "lower", None: "equal to the reals"}
        better = better[measure.larger_is_better]
        rows.append((measure.title, value, f"{low} to {high}", floor, better))
    head = ("measure", "fakes", "95% interval", "other real pictures", "better is")
    return _table(head, rows)


def _table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    cells = (map(_plain, line) for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells) + "\n"


def _plain(value):
    """A value as text without Markdown or HTML."""
    text = value if isinstance(value, str) else json.dumps(value)
    text = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return text.replace("|", "\\|").replace("`", "'")
