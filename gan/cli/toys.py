"""`toys`: the circle and the four clouds, learnt in seconds."""

import pathlib

from gan.cli.shared import (
    add_drawing,
    expect_drawing,
    import_tensorflow,
    set_seed,
)
from gan.errors import expect_positive_int
from gan.saving.files import expect_writable

_CLASSES = ["Simple_GAN", "WGAN_clip", "WGAN_GP"]


def add(add_command):
    """Add the command to the parser."""
    command = add_command(
        "toys",
        run,
        "learn points on a circle, and four clouds of coloured points, in seconds",
        example="toys --gan WGAN_GP --epochs 16 --output toys.png",
    )
    command.add_argument(
        "--gan", choices=_CLASSES, default="Simple_GAN", help="(default Simple_GAN)"
    )
    command.add_argument(
        "--epochs", type=int, default=16, help="of 100 steps each (default 16)"
    )
    add_drawing(command, "toys")


def run(arguments):
    """Draw the two pictures and print their paths."""
    expect_positive_int(epochs=arguments.epochs)
    expect_drawing(arguments)
    output = pathlib.Path(arguments.output)
    circle_path, clouds_path = (
        expect_writable(output.with_name(f"{output.stem}-{name}{output.suffix}"))
        for name in ("circle", "clouds")
    )
    import_tensorflow()
    from gan.data import toys
    from gan.visualization import plots

    real = toys.circle(1000, arguments.seed)
    model, fake = _train([1, 10, 10, 2], real, arguments)
    values = model.discriminator(plots.grid(64)).numpy().reshape(64, 64)
    history = model.history.history
    circle = plots.points_and_values(
        real, fake, values, history, f"circle, {arguments.gan}"
    )
    print(plots.save(circle, circle_path))
    real = toys.four_clouds(1000, arguments.seed)
    model, fake = _train([2, 10, 10, 5], real, arguments)
    history = model.history.history
    clouds = plots.coloured_points(real, fake, history, f"four clouds, {arguments.gan}")
    print(plots.save(clouds, clouds_path))
    if arguments.show:
        plots.show(circle)


def _train(shape, real, arguments):
    """A trained model, and as many of its fakes as there are reals."""
    import gan

    set_seed(arguments.seed)
    networks = gan.fully_connected_GenDiscr(shape, real)
    cls = getattr(gan, arguments.gan)
    model = cls(*networks, real, learning_rate=0.001)
    model.compile()
    model.fit(epochs=arguments.epochs, steps_per_epoch=100, verbose=0)
    return model, model.get_fake_sample(len(real)).numpy()
