"""The file `run.json` of a run: its settings, and the files that it has written."""

from __future__ import annotations

import contextlib
import json
import pathlib
import re
from collections.abc import Iterable
from typing import Any

from gan.errors import StrPath, require
from gan.support.files import atomic_path, clear_leftovers

# Each name is that of a file in gan/recipes/. The command `train` also uses the files
# `faces`, `r3gan`, `translation` and `unpaired`.
RECIPES = {
    "gaussian": "a Gaussian from uniform noise, by six loss pairs",
    "mnist_dense": "digits by dense networks",
    "lfw": "colour faces by convolutions and a two-class discriminator",
    "mnist_dcgan": "digits by DCGAN",
    "mnist_acgan": "digits of the class you ask for, by AC-GAN",
    "mnist_r3gan": "digits of the class you ask for, by R3GAN, quicker than AC-GAN",
    "fashion_r3gan": "clothes of the class you ask for, by R3GAN",
    "emoji": "small colour pictures (--pictures), by R3GAN",
    "speech": "spoken digits from your recordings (--pictures), by R3GAN",
}

# Files that the recipes write besides checkpoints.
_PICTURES = r"image_at_epoch_\d{4,}\.png|training\.gif|model\.keras"
_FILES = dict.fromkeys([*RECIPES, "r3gan", "translation", "unpaired"], _PICTURES)
PICTURES = "training_pictures.npz"  # the pictures of a folder, as they were read
_FILES = {name: rf"{ours}|{re.escape(PICTURES)}" for name, ours in _FILES.items()}
_FILES["r3gan"] += r"|quality\.(png|csv)|best\.keras"
_FILES["speech"] += r"|spectrograms\.npy|sounds\.html|\d_\d+\.wav"
_FILES["faces"] = r"(generator|discriminator)\.h5"
_FILES["lfw"] += r"|values_at_epoch_\d{4,}\.png|samples\.png"
_FILES["gaussian"] = _PICTURES + (
    r"|gaussian\.png|training_(least_squares|wasserstein_clip|wasserstein_gp|minimax|"
    r"non_saturating|two_class)\.gif"
)
RECORD = "run.json"
_LENGTHS = {"epochs", "minutes"}  # settings that a later call may make larger
_MOST_BYTES = 2**26  # largest size of a record, which lists a picture for each epoch


def read_record(path: StrPath, argument: str = "output") -> dict[str, Any]:
    """Read the `run.json` that holds a run's settings and the names of its files.

    Args:
        path: str or `os.PathLike`.
        argument: str, the name of the argument that gave the path.

    Returns:
        Dict with at least "recipe", a str.

    Raises:
        InvalidInput: if there is no such file, or another program wrote it.
    """
    record, reason = None, "it names no recipe"
    try:
        with open(path, "rb") as file:
            record = json.loads(file.read(_MOST_BYTES))
    except (OSError, RecursionError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
    ours = isinstance(record, dict) and record.get("recipe") in [*_FILES]
    sentence = f"The file {path} is not the record of a run of this library ({reason}):"
    sentence += " name another one, or move it away."
    require(ours and isinstance(record.get("files", []), list), sentence, argument)
    return record


def expect_free(folder: pathlib.Path, recipe: str) -> None:
    """Expects a folder in which a run would replace only files of earlier runs.

    Args:
        folder: `pathlib.Path`.
        recipe: str.

    Raises:
        InvalidInput: if the folder holds a checkpoint, or a file with a name that the
            recipe uses, and no run has written it.
    """
    if not folder.is_dir():
        return
    own = written(folder)
    found = [path for path in folder.iterdir() if path not in own]
    strange = [path for path in found if re.fullmatch(_FILES[recipe], path.name)]
    if not (folder / RECORD).exists():
        strange += (folder / "checkpoints").glob("epoch-*.keras")
    sentence = f"The folder {folder} holds {', '.join(sorted(p.name for p in strange))}"
    sentence += ", which no run has written and this run would replace: choose another "
    require(not strange, f"{sentence}folder, or move them away.", "output")


def written(folder: pathlib.Path) -> list[pathlib.Path]:
    """The files that the run of a folder has written, except for checkpoints."""
    if not (folder / RECORD).exists():
        return []
    record = read_record(folder / RECORD)
    # Version 0.2.0 kept no list. Listed files must still be those of the recipe,
    # because the record may be untrusted.
    paths = [path for path in folder.iterdir() if path.is_file()]
    names = {*map(str, record.get("files", [path.name for path in paths]))}
    pattern = _FILES[record["recipe"]]
    return [p for p in paths if p.name in names and re.fullmatch(pattern, p.name)]


def note(paths: Iterable[pathlib.Path]) -> None:
    """Add files to the records of their folders, before they are written."""
    paths = [*paths]
    for folder in {path.parent for path in paths}:
        record = read_record(folder / RECORD)
        files = {path.name for path in paths if path.parent == folder}
        if not files <= {*record["files"]}:
            record["files"] = sorted(files.union(record["files"]))
            _write_record(folder, record)


def _write_record(folder, record):
    with atomic_path(folder / RECORD) as temporary:
        temporary.write_text(json.dumps(record, indent=1), encoding="utf-8")


def _is_longer(name, there, here):
    """Whether a setting differs only because the run is to be trained for longer."""
    numbers = isinstance(there, int | float) and isinstance(here, int | float)
    return name in _LENGTHS and numbers and there < here


def note_settings(
    folder: pathlib.Path,
    settings: dict[str, Any],
    given: dict[str, Any] | None = None,
) -> None:
    """Write a run's settings; refuse a folder that holds a run with other settings.

    Args:
        folder: `pathlib.Path`.
        settings: dict that JSON can hold, with "recipe".
        given: dict that JSON can hold, the options of the command line, or `None`.

    Raises:
        InvalidInput: if the folder's record holds other settings. It may hold fewer
            epochs or minutes: the run is then trained for longer.
    """
    from gan.training.checkpoint import expect_same_run, newest_path

    clear_leftovers(folder, RECORD)
    files = sorted(path.name for path in written(folder))
    if (folder / RECORD).exists():
        there = read_record(folder / RECORD)
        # All other settings are compared by the checkpoint.
        names = sorted({*there} & {*settings})
        if settings.get("recipe") != there.get("recipe"):
            names = ["recipe"]
        both = [(name, there[name], settings[name]) for name in names]
        other = [one for one in both if one[1] != one[2] and not _is_longer(*one)]
        expect_same_run(folder, other)
        # The checkpoint may still refuse to resume; then nothing must have changed.
        if "files" in there and newest_path(folder) is not None:
            return
    _write_record(folder, settings | {"told": given, "files": files})


def note_lengths(folder: pathlib.Path, settings: dict[str, Any]) -> None:
    """Write how long a run is to be trained from now on.

    Args:
        folder: `pathlib.Path`.
        settings: dict, as in `note_settings`, which has been called before.
    """
    record = read_record(folder / RECORD)
    found = {name: settings[name] for name in _LENGTHS & {*settings}}
    if any(record.get(name) != value for name, value in found.items()):
        _write_record(folder, record | found)


def clear(folders: list[pathlib.Path]) -> None:
    """Delete what the runs in these folders have written, and nothing else."""
    from gan.training.checkpoint import Checkpoint

    checkpoints = [Checkpoint(folder / "checkpoints") for folder in folders]
    with contextlib.ExitStack() as stack:
        for checkpoint in checkpoints:
            checkpoint.acquire()
            stack.callback(checkpoint.release)
        for folder, checkpoint in zip(folders, checkpoints, strict=True):
            checkpoint.clear()
            # Delete the record last, because it says which files belong to the run.
            for path in [*written(folder), folder / RECORD]:
                path.unlink(missing_ok=True)
