"""`segment`: one face turns into another."""

from gan.cli.shared import (
    add_drawing,
    add_generator,
    as_pictures,
    expect_drawing,
    finish,
    generate,
    import_tensorflow,
    set_seed,
)
from gan.errors import expect, expect_positive_int


def add(add_command):
    """Add the command to the parser."""
    command = add_command(
        "segment",
        run,
        "draw the faces along a segment between two latent vectors",
        example="segment --seed 18 --output segment.png",
    )
    command.add_argument("--count", type=int, default=20, help="faces (default 20)")
    add_generator(command)
    add_drawing(command, "segment", seed=18)


def run(arguments):
    """Draw the strip."""
    expect_positive_int(count=arguments.count)
    expect(2 <= arguments.count <= 100, "count from 2 to 100", count=arguments.count)
    expect_drawing(arguments)
    import_tensorflow()
    from gan.generate_faces import convolutional_GenDiscr
    from gan.latent import normal_generator
    from gan.saving.weights_file import load_weights
    from gan.visualization import plots, walks

    generator, _ = convolutional_GenDiscr()
    load_weights((generator, arguments.generator))
    set_seed(arguments.seed)
    start, end = normal_generator(2, 16).numpy()
    fakes = generate(generator, walks.segment(start, end, arguments.count))
    pictures = as_pictures(fakes, arguments.generator)
    title = "from one face to another, along a segment of latent space"
    finish(plots.strip(pictures, title=title), arguments)
