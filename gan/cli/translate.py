"""The command that translates pictures."""

from __future__ import annotations

import pathlib

from gan.cli.shared import import_tensorflow
from gan.errors import expect_path, expect_seed, require, shown
from gan.generators.weights import ENLARGER
from gan.support.files import made_folder


def translate(
    model: str = ENLARGER,
    /,
    *,
    pictures: str,
    output: str,
    back: bool = False,
    seed: int = 0,
) -> None:
    """Make pictures from the pictures of a folder, or from a single one."""
    expect_seed(2**32, seed=seed)
    source, folder = expect_path(pictures=pictures), expect_path(output=output)
    said = f"There is no folder or file {shown(pictures)}: give another path."
    require(source.exists(), said, "pictures")
    empty = not folder.exists() or folder.is_dir() and not any(folder.iterdir())
    sentence = "The argument output must be a new or empty folder, but "
    require(empty, f"{sentence}{folder} is not.", "output")
    import_tensorflow()
    from gan import plots
    from gan.generators.translator import load_translator

    translator = load_translator(model, back=back)
    inputs, paths, left_out = _inputs(translator, source)
    made = translator.translate(inputs, seed)
    above = source if source.is_dir() else source.parent
    written = set()
    with made_folder(folder):
        for path, picture in zip(paths, made, strict=True):
            name = path.relative_to(above).with_suffix(".png")
            if name in written:
                # Two files have the same name, such as a.jpg and a.png.
                name = name.with_name(f"{path.name}.png")
            written.add(name)
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            plots.write_png(picture, folder / name)
    for path, reason in left_out.items():
        print(f"left out {path}: {reason}")
    print("1 picture" if len(paths) == 1 else f"{len(paths)} pictures")
    print(folder)


def _inputs(translator, source: pathlib.Path):
    """Inputs as the model takes them, their files, and what is left out."""
    import numpy as np

    from gan.data.folders import walk
    from gan.data.pictures import read_each

    paths, left_out = walk(source) if source.is_dir() else ([source], {})
    # A model that enlarges takes small pictures. All others take pictures of the
    # target's size, from which a layer makes the inputs as in training.
    small = translator.input_shape[:2] != translator.shape[:2]
    ready = small or translator.condition is None
    height, width, channels = translator.input_shape if ready else translator.shape
    size, colour = (height, width), channels == 3
    read, numbers, _ = read_each(paths, size, colour, 1.0, left_out)
    reasons = ", ".join(sorted({*left_out.values()})) or "no files"
    kind = "folder" if source.is_dir() else "file"
    said = f"There is no picture in the {kind} {shown(str(source))} ({reasons}): "
    require(numbers, f"{said}give another path.", "pictures")
    paths = [paths[number] for number in numbers]
    given = read / np.float32(255)
    if ready:
        return given, paths, left_out
    mask = None
    if translator.masked:
        opaque, _, _ = read_each(paths, size, False, 1.0, left_out, "alpha")
        mask = np.float32(opaque < 128)
        none = mask.sum(axis=(1, 2, 3)) == 0
        mask[none] = translator.inputs_of(given[:1])[..., -1:]
    return translator.inputs_of(given, mask), paths, left_out
