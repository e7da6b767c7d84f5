"""`walk`: faces that move, on a circle or a star through latent space."""

import pathlib

from gan.cli.shared import (
    add_generator,
    add_seed,
    as_pictures,
    expect_seed,
    generate,
    import_tensorflow,
    set_seed,
)
from gan.errors import expect
from gan.saving.files import expect_writable

_SCALE = 8  # screen pixels of a face's pixel


def add(add_command):
    """Add the command to the parser."""
    command = add_command(
        "walk",
        run,
        "animate the faces on a walk through latent space, and draw some of them",
        example="walk --shape circle --seed 18 --output walk.gif",
    )
    command.add_argument(
        "--shape",
        choices=["circle", "star"],
        default="circle",
        help="a circle comes back to the first face; a star goes from it to others "
        "and back (default circle)",
    )
    command.add_argument(
        "--rays", type=int, default=4, help="of the star, 1 to 50 (default 4)"
    )
    add_generator(command)
    add_seed(command, 18)
    command.add_argument(
        "--output",
        metavar="FILE.gif",
        default="walk.gif",
        help="animation to write; some of its faces are drawn in a .png beside it "
        "(default walk.gif)",
    )


def run(arguments):
    """Write the animation and the strip, and print their paths."""
    rays = arguments.rays
    expect(1 <= rays <= 50, "rays from 1 to 50", rays=rays)
    expect_seed(arguments.seed)
    output = pathlib.Path(arguments.output)
    expect(output.suffix == ".gif", "an output that ends in .gif", output=str(output))
    expect_writable(output)
    strip = expect_writable(output.with_suffix(".png"))
    import_tensorflow()
    from gan.generate_faces import convolutional_GenDiscr
    from gan.latent import normal_generator
    from gan.saving.weights_file import load_weights
    from gan.visualization import plots, walks
    from gan.visualization.animation import write_gif

    generator, _ = convolutional_GenDiscr()
    load_weights((generator, arguments.generator))
    set_seed(arguments.seed)
    if arguments.shape == "circle":
        latents = walks.circle(*normal_generator(2, 16).numpy())
        columns, every = 10, 3
        title = "once round a circle in latent space"
    else:
        centre, *directions = normal_generator(1 + rays, 16).numpy()
        latents = walks.star(centre, directions)
        columns, every = 12, 2
        title = "a star in latent space: each row from one face to another, and back"
    fakes = generate(generator, latents)
    pictures = as_pictures(fakes, arguments.generator)
    frames = (plots.tile(face[None], scale=_SCALE) for face in pictures)
    print(write_gif(frames, output, frames_per_second=12.5))
    print(plots.save(plots.mosaic(pictures[::every], columns, title), strip))
