"""`prepare`: pictures of any size become an array that `train` takes."""

import importlib.util
import pathlib

from gan.errors import expect, expect_number
from gan.saving.files import atomic_path, expect_writable


def add(add_command):
    """Add the command to the parser."""
    command = add_command(
        "prepare",
        run,
        "turn a folder of pictures into the 16x16 grey ones that train takes",
        example="prepare --pictures photos --keep 0.5 --output pictures.npy",
    )
    source = command.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--pictures",
        metavar="DIR",
        help="folder, subfolders included, of any formats and sizes; or an .npy or "
        ".npz array",
    )
    source.add_argument(
        "--lfw",
        action="store_true",
        help="Labeled Faces in the Wild instead, fetched by scikit-learn",
    )
    command.add_argument(
        "--keep",
        type=float,
        metavar="SHARE",
        help="how much of the central square to keep, as a share of its side "
        "(default 1; 0.5 with --lfw)",
    )
    command.add_argument(
        "--output",
        metavar="FILE.npy",
        default="pictures.npy",
        help="array to write; the first hundred are drawn in a .png beside it "
        "(default pictures.npy). There is nothing random in it, so no --seed",
    )


def run(arguments):
    """Write the array and the picture, and say what was left out."""
    output = pathlib.Path(arguments.output)
    expect(output.suffix == ".npy", "an output that ends in .npy", output=str(output))
    expect_writable(output)
    sheet = expect_writable(output.with_suffix(".png"))
    keep = arguments.keep
    keep = (0.5 if arguments.lfw else 1) if keep is None else keep
    expect_number(0, 1, keep=keep)
    import numpy as np

    from gan.data.picture_files import progress, read_pictures, tell_skipped
    from gan.visualization import plots

    source = _fetch_lfw() if arguments.lfw else arguments.pictures
    pictures, skipped = read_pictures(source, (16, 16), keep=keep, watch=progress)
    with atomic_path(output) as temporary:
        np.save(temporary, pictures)
    tell_skipped(skipped)
    print(f"pictures of 16x16: {len(pictures)}")
    print(output)
    shown = pictures[:100] / 255
    title = f"the first {len(shown)} of {len(pictures)}"
    print(plots.save(plots.mosaic(shown, title=title), sheet))


def _fetch_lfw():
    """Folder of the funneled pictures of LFW, fetched if need be."""
    found = importlib.util.find_spec("sklearn") is not None
    expect(found, "scikit-learn to be installed (pip install scikit-learn)", lfw=True)
    from sklearn.datasets import fetch_lfw_people, get_data_home

    # It fetches all and then loads people: of these as few as there can be.
    fetch_lfw_people(min_faces_per_person=500, resize=0.1)
    return pathlib.Path(get_data_home(), "lfw_home", "lfw_funneled")
