"""`faces`: four hundred people who do not exist."""

from gan.cli.shared import (
    WEIGHTS,
    add_drawing,
    add_generator,
    as_pictures,
    expect_drawing,
    finish,
    generate,
    import_tensorflow,
    parts,
    set_seed,
)
from gan.errors import expect, expect_positive_int


def add(add_command):
    """Add the command to the parser."""
    command = add_command(
        "faces",
        run,
        "draw fake faces in one picture, the most convincing first (default)",
        example="faces --count 400 --seed 0 --output faces.png",
    )
    command.add_argument("--count", type=int, default=400, help="faces (default 400)")
    add_generator(command)
    command.add_argument(
        "--discriminator",
        metavar="FILE.h5",
        default=WEIGHTS / "discriminator.h5",
        help="discriminator weights, which sort the faces (default: ours)",
    )
    add_drawing(command, "faces")


def run(arguments):
    """Draw the mosaic."""
    count = arguments.count
    expect_positive_int(count=count)
    expect(count <= 10_000, "count of at most 10000", count=count)
    expect_drawing(arguments)
    import_tensorflow()
    import numpy as np

    from gan.generate_faces import convolutional_GenDiscr
    from gan.latent import normal_generator
    from gan.saving.weights_file import load_weights
    from gan.visualization import plots

    generator, discriminator = convolutional_GenDiscr()
    load_weights(
        (generator, arguments.generator), (discriminator, arguments.discriminator)
    )
    set_seed(arguments.seed)
    fakes = generate(generator, normal_generator(count, 16))
    values = np.concatenate([discriminator(part) for part in parts(fakes)])[:, 0]
    fakes = fakes[np.argsort(-values, kind="stable")]
    pictures = as_pictures(fakes, arguments.generator)
    finish(plots.mosaic(pictures, title="fake faces"), arguments)
