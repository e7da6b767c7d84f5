"""`compare`: the three classes on the same cloud."""

from gan.cli.shared import (
    add_drawing,
    expect_drawing,
    finish,
    import_tensorflow,
)
from gan.errors import expect_positive_int


def add(add_command):
    """Add the command to the parser."""
    command = add_command(
        "compare",
        run,
        "train the three classes on the 49-dimensional cloud and compare them",
        example="compare --epochs 100 --seeds 3 --output compare.png",
    )
    command.add_argument(
        "--epochs", type=int, default=100, help="of 250 steps each (default 100)"
    )
    command.add_argument(
        "--seeds", type=int, default=3, help="runs of each class (default 3)"
    )
    add_drawing(command, "compare")


def run(arguments):
    """Print the verdicts and draw the losses."""
    expect_positive_int(epochs=arguments.epochs, seeds=arguments.seeds)
    expect_drawing(arguments)
    import_tensorflow()
    from gan.evaluation.report import compare_classes, conclude
    from gan.visualization import plots

    verdicts = compare_classes(arguments.epochs, arguments.seeds, arguments.seed)
    print(conclude(verdicts))
    histories = {name: verdict.history for name, verdict in verdicts.items()}
    figure = plots.compare_losses(histories, title="cloud in the corner of [0, 1]^49")
    finish(figure, arguments)
