"""`diagnose`: the known mistakes in a run, with evidence and cure."""

import hashlib
import json
import pathlib

from gan.cli.shared import add_seed, expect_seed, import_tensorflow
from gan.errors import InvalidInput, expect, expect_number, expect_positive_int


def add(add_command):
    """Add the command to the parser."""
    command = add_command(
        "diagnose",
        run,
        "name the known mistakes in a run, each with its evidence and cure",
        example="diagnose run --pictures small_res_faces_10000.npy",
    )
    command.add_argument(
        "model",
        metavar="RUN",
        help="folder of a run with checkpoints, the last of which is read, or a "
        ".keras file",
    )
    command.add_argument(
        "--pictures",
        metavar="FILE.npy",
        help="what it was trained on; half of the checks need it, and a run does not "
        "say where its pictures are",
    )
    command.add_argument(
        "--range",
        type=float,
        nargs=2,
        metavar=("BLACK", "WHITE"),
        default=(-1.0, 1.0),
        help="the numbers black and white were in training (default -1 1, as in train)",
    )
    command.add_argument(
        "--count", type=int, default=1000, help="fakes to look at (default 1000)"
    )
    add_seed(command)


def run(arguments):
    """Print what is found, what is fine and what could not be checked."""
    expect_seed(arguments.seed)
    expect_positive_int(count=arguments.count)
    expect(arguments.count >= 16, "count of at least 16", count=arguments.count)
    black, white = arguments.range
    expect_number(black=black, white=white)
    expect(black != white, "two different numbers", range=arguments.range)
    path = pathlib.Path(arguments.model)
    expect(path.exists(), "an existing folder or .keras file", RUN=arguments.model)
    pictures = None
    if arguments.pictures is not None:
        from gan.data.faces import load_pictures

        pictures = load_pictures(arguments.pictures)
    import_tensorflow()
    from gan.evaluation.diagnose import diagnose

    model, path = _load(path)
    print(f"{type(model).__name__} of {path}")
    if pictures is None:
        print("Without --pictures, what needs the training data is not checked.")
    else:
        _compare(pictures, path)
        model.real_examples = black + (white - black) * pictures
    print(diagnose(model, arguments.count, arguments.seed))


def _load(path):
    """The model of a file, or of a run's newest undamaged checkpoint, and its path."""
    from gan.saving.model_file import load_model

    if not path.is_dir():
        return load_model(path), path
    folder = path / "checkpoints" if (path / "checkpoints").is_dir() else path
    checkpoints = sorted(folder.glob("epoch-*.keras"), reverse=True)
    expect(checkpoints, "a run with checkpoints (epoch-….keras)", RUN=str(path))
    for checkpoint in checkpoints:
        try:
            return load_model(checkpoint), checkpoint
        except InvalidInput as error:
            print(f"Passed over {checkpoint}: {error}")
    expect(False, f"an undamaged checkpoint in {folder}", checkpoints=len(checkpoints))


def _compare(pictures, path):
    """Say so if `train` noted that it was given other pictures."""
    try:
        noted = json.loads((path.parents[1] / "run.json").read_text(encoding="utf-8"))
        noted = noted["pictures"]
    except (IndexError, KeyError, OSError, TypeError, ValueError):
        return
    if noted != hashlib.sha256(pictures.tobytes()).hexdigest()[: len(str(noted))]:
        print("These are not the pictures of the run: copies cannot be told.")
