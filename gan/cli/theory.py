"""`theory`: the best discriminator of a fixed generator, and the trained one."""

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
        "theory",
        run,
        "train a discriminator against a fixed generator and compare it with theory",
        example="theory --epochs 20 --output theory.png",
    )
    command.add_argument(
        "--epochs", type=int, default=20, help="of 100 updates each (default 20)"
    )
    add_drawing(command, "theory")


def run(arguments):
    """Print the two values and draw the two discriminators."""
    expect_positive_int(epochs=arguments.epochs)
    expect_drawing(arguments)
    import_tensorflow()
    import numpy as np
    import tensorflow as tf

    from gan.evaluation import theory
    from gan.visualization import plots

    model = theory.train_against_fixed(arguments.epochs, arguments.seed)
    x = np.linspace(-1, 9, 2001)
    densities = [theory.normal_density(x, *law) for law in (theory.REAL, theory.FAKE)]
    found = tf.sigmoid(model.discriminator(x[:, None]))[:, 0].numpy()
    best = theory.best_discriminator(*densities)
    value = -np.array(model.history.history["discr_loss"])
    limit = theory.value_of_best(x, *densities)
    print(f"value in the last epoch {value[-1]:.4f}, 2 JS - log 4 = {limit:.4f}")
    figure = plots.discriminator_and_value(
        x, densities, found, best, value, limit, "a fixed generator in one dimension"
    )
    finish(figure, arguments)
