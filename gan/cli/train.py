"""`train`: a generator of your own pictures."""

import dataclasses

from gan.cli.shared import (
    add_training,
    expect_training,
    import_tensorflow,
    stoppable,
    verbose,
)
from gan.saving.files import expect_writable


def add(add_command):
    """Add the command to the parser."""
    command = add_command(
        "train",
        run,
        "train a generator on your own 16x16 grey pictures",
        example="train --pictures small_res_faces_10000.npy --output run",
    )
    command.add_argument(
        "--pictures",
        metavar="FILE.npy",
        required=True,
        help="array (N, 16, 16), uint8 or float in [0, 1]",
    )
    command.add_argument(
        "--output",
        metavar="DIR",
        required=True,
        help="folder for generator.h5, discriminator.h5 and checkpoints",
    )
    command.add_argument(
        "--recipe",
        choices=["gan", "course"],
        default="gan",
        help="ours, or the course's own batch, rates and length (default gan)",
    )
    add_training(command)
    command.add_argument(
        "--until-course",
        action="store_true",
        help="stop as soon as all six measures are better than those of the course's "
        "weights, and say after how long",
    )


def run(arguments):
    """Train, and print the paths of the two weights files."""
    directory = expect_training(arguments)
    from gan.data.faces import load_faces

    pictures = load_faces(arguments.pictures).pictures
    directory.mkdir(parents=True, exist_ok=True)
    expect_writable(directory / "generator.h5")
    import_tensorflow()
    from gan.recipes.faces import RECIPES, train

    changes = {"epochs": arguments.epochs, "steps_per_epoch": arguments.steps}
    changes = {name: value for name, value in changes.items() if value is not None}
    recipe = dataclasses.replace(RECIPES[arguments.recipe], **changes)
    with stoppable(directory):
        paths = train(
            pictures,
            directory,
            recipe,
            arguments.seed,
            restart=arguments.restart,
            until_course=arguments.until_course,
            verbose=verbose(),
        )
    print(*paths, sep="\n")
