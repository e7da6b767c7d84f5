"""`recipe`: other systems of the literature, from their data to their pictures."""

from gan.cli.shared import (
    add_training,
    expect_training,
    import_tensorflow,
    stoppable,
    verbose,
)
from gan.errors import expect
from gan.recipes.run import RECIPES, train_recipe


def add(add_command):
    """Add the command to the parser."""
    command = add_command(
        "recipe",
        run,
        "train another system of the literature; without a name, list them",
        example="recipe mnist_dcgan --output run --data mnist.npz",
    )
    command.add_argument(
        "name", nargs="?", metavar="NAME", help=f"one of {', '.join(RECIPES)}"
    )
    command.add_argument(
        "--output",
        metavar="DIR",
        help="folder for pictures, training.gif, model.keras and checkpoints",
    )
    command.add_argument(
        "--data",
        metavar="FILE",
        help=".npz, .npy or folder of pictures (default: from the network)",
    )
    add_training(command)


def run(arguments):
    """Train, and print the paths of what was written; or list the recipes."""
    if arguments.name is None:
        width = max(map(len, RECIPES))
        for name, text in RECIPES.items():
            print(f"{name:{width}}  {text}")
        return
    expect(
        arguments.name in RECIPES, f"one of {', '.join(RECIPES)}", recipe=arguments.name
    )
    expect(arguments.output is not None, "--output DIR", output=None)
    output = expect_training(arguments)
    output.mkdir(parents=True, exist_ok=True)
    import_tensorflow()
    with stoppable(output):
        paths = train_recipe(
            arguments.name,
            output,
            arguments.data,
            arguments.epochs,
            arguments.steps,
            arguments.seed,
            restart=arguments.restart,
            verbose=verbose(),
        )
    print(*paths, sep="\n")
