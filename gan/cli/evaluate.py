"""`evaluate`: how far fakes are from reals, by every measure."""

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
from gan.errors import expect


def add(add_command):
    """Add the command to the parser."""
    command = add_command(
        "evaluate",
        run,
        "judge fakes by every measure against real pictures, with the reals' floor",
        example="evaluate --pictures small_res_faces_10000.npy",
    )
    command.add_argument(
        "--pictures", metavar="FILE.npy", required=True, help="the real pictures"
    )
    add_generator(command)
    command.add_argument(
        "--course", metavar="FILE.h5", help="another generator, such as the course's"
    )
    add_drawing(command, "evaluate")


def run(arguments):
    """Print the table and draw ten of each."""
    expect_drawing(arguments)
    from gan.data.faces import load_faces

    pictures = load_faces(arguments.pictures).pictures
    expect(len(pictures) >= 200, "at least 200 pictures", N=len(pictures))
    import_tensorflow()
    from gan.evaluation.report import evaluate_faces, table
    from gan.generate_faces import convolutional_GenDiscr
    from gan.latent import normal_generator
    from gan.saving.weights_file import load_weights
    from gan.visualization import plots

    generators = {}
    for name, path in (("course", arguments.course), ("ours", arguments.generator)):
        if path is not None:
            generator, _ = convolutional_GenDiscr()
            load_weights((generator, path))

            def fakes(count, generator=generator, path=path):
                set_seed(arguments.seed)
                return as_pictures(
                    generate(generator, normal_generator(count, 16)), path
                )

            generators[name] = fakes
    reports, shown = evaluate_faces(pictures, generators, arguments.seed)
    print(table(reports))
    finish(plots.rows(shown, title="ten of each"), arguments)
