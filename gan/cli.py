"""The command line: what `main.py` calls."""

import argparse
import contextlib
import os
import pathlib
import sys

from gan._files import expect_writable
from gan._validation import InvalidInput, expect, expect_positive_int

_WEIGHTS = pathlib.Path(__file__).resolve().parents[1] / "faces"


def main(argv=None):
    """Run one command.

    Args:
        argv: list of str, or None for `sys.argv[1:]`.

    Returns:
        int: 0, or 2 after one line on stderr for anything a user can get wrong.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    parser, commands = _parser()
    if not argv or (argv[0] not in commands and argv[0] not in ("-h", "--help")):
        argv = ["faces", *argv]
    arguments = parser.parse_args(argv)
    try:
        arguments.run(arguments)
    except (InvalidInput, ArithmeticError, OSError) as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message} (try --help)\n")


def _parser():
    formatter = {"formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = _Parser(
        description="Draw faces of people who do not exist, or train your own "
        "generator.\nWithout a command: faces.",
        epilog="examples:\n"
        "  python main.py                          400 faces in faces.png\n"
        "  python main.py --count 100 --seed 7     other people, fewer of them\n"
        "  python main.py segment                  one face turns into another\n"
        "  python main.py train --pictures small_res_faces_10000.npy --output run\n"
        "  python main.py COMMAND --help           all options of a command",
        **formatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def add(name, run, text, example):
        command = commands.add_parser(
            name,
            help=text,
            description=text,
            epilog=f"example:\n  {example}",
            **formatter,
        )
        command.set_defaults(run=run)
        return command

    for add_command in (
        _add_faces,
        _add_segment,
        _add_train,
        _add_evaluate,
        _add_compare,
    ):
        add_command(add)
    return parser, commands.choices


def _add_faces(add):
    command = add(
        "faces",
        _faces,
        "draw fake faces in one picture, the most convincing first (default)",
        "python main.py --count 400 --seed 0 --output faces.png",
    )
    command.add_argument("--count", type=int, default=400, help="faces (default 400)")
    _add_generator(command)
    command.add_argument(
        "--discriminator",
        metavar="FILE.h5",
        default=_WEIGHTS / "discriminator.h5",
        help="discriminator weights, which sort the faces (default: ours)",
    )
    _add_drawing(command, "faces", seed=0)


def _add_segment(add):
    command = add(
        "segment",
        _segment,
        "draw the faces along a segment between two latent vectors",
        "python main.py segment --seed 18 --output segment.png",
    )
    command.add_argument("--count", type=int, default=20, help="faces (default 20)")
    _add_generator(command)
    _add_drawing(command, "segment", seed=18)


def _add_train(add):
    command = add(
        "train",
        _train,
        "train a generator on your own 16x16 grey pictures",
        "python main.py train --pictures small_res_faces_10000.npy --output run",
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
    command.add_argument("--epochs", type=int, help="instead of the recipe's number")
    command.add_argument(
        "--steps", type=int, help="steps an epoch, instead of the recipe's number"
    )
    command.add_argument("--seed", type=int, default=0, help="of the run (default 0)")
    command.add_argument(
        "--until-course",
        action="store_true",
        help="stop as soon as all six measures are better than those of the course's "
        "weights, and say after how long",
    )
    command.add_argument(
        "--restart",
        action="store_true",
        help="start afresh; without it a run in the folder goes on",
    )


def _add_evaluate(add):
    command = add(
        "evaluate",
        _evaluate,
        "judge fakes by every measure against real pictures, with the reals' floor",
        "python main.py evaluate --pictures small_res_faces_10000.npy",
    )
    command.add_argument(
        "--pictures", metavar="FILE.npy", required=True, help="the real pictures"
    )
    _add_generator(command)
    command.add_argument(
        "--course", metavar="FILE.h5", help="another generator, such as the course's"
    )
    _add_drawing(command, "evaluate", seed=0)


def _add_compare(add):
    command = add(
        "compare",
        _compare,
        "train the three classes on the 49-dimensional cloud and compare them",
        "python main.py compare --epochs 100 --seeds 3 --output compare.png",
    )
    command.add_argument(
        "--epochs", type=int, default=100, help="of 250 steps each (default 100)"
    )
    command.add_argument(
        "--seeds", type=int, default=3, help="runs of each class (default 3)"
    )
    _add_drawing(command, "compare", seed=0)


def _add_generator(command):
    command.add_argument(
        "--generator",
        metavar="FILE.h5",
        default=_WEIGHTS / "generator.h5",
        help="generator weights; a file that does not say how its output becomes a "
        "picture, as the course's, is drawn as it is (default: ours)",
    )


def _add_drawing(command, name, seed):
    command.add_argument(
        "--seed", type=int, default=seed, help=f"of every draw (default {seed})"
    )
    command.add_argument(
        "--output",
        metavar="FILE",
        default=f"{name}.png",
        help=f".png, .pdf or .svg to write (default {name}.png)",
    )
    command.add_argument(
        "--show", action="store_true", help="also open a window with the picture"
    )


def _faces(arguments):
    count = arguments.count
    expect_positive_int(count=count)
    expect(count <= 10_000, "count of at most 10000", count=count)
    _expect_output(arguments)
    _import_tensorflow()
    import numpy as np

    from gan import plots
    from gan.generate_faces import convolutional_GenDiscr
    from gan.latent import normal_generator
    from gan.weights import load_weights

    generator, discriminator = convolutional_GenDiscr()
    load_weights(
        (generator, arguments.generator), (discriminator, arguments.discriminator)
    )
    _seed(arguments.seed)
    fakes = _generate(generator, normal_generator(count, 16))
    values = np.concatenate([discriminator(part) for part in _parts(fakes)])[:, 0]
    fakes = fakes[np.argsort(-values, kind="stable")]
    pictures = _pictures(fakes, arguments.generator)
    _finish(plots.mosaic(pictures, title="fake faces"), arguments)


def _segment(arguments):
    expect_positive_int(count=arguments.count)
    expect(2 <= arguments.count <= 100, "count from 2 to 100", count=arguments.count)
    _expect_output(arguments)
    _import_tensorflow()
    import numpy as np

    from gan import plots
    from gan.generate_faces import convolutional_GenDiscr
    from gan.latent import normal_generator
    from gan.weights import load_weights

    generator, _ = convolutional_GenDiscr()
    load_weights((generator, arguments.generator))
    _seed(arguments.seed)
    start, end = normal_generator(2, 16).numpy()
    along = np.linspace(0, 1, arguments.count, dtype=np.float32)[:, None]
    fakes = _generate(generator, (1 - along) * start + along * end)
    pictures = _pictures(fakes, arguments.generator)
    title = "from one face to another, along a segment of latent space"
    _finish(plots.strip(pictures, title=title), arguments)


def _train(arguments):
    import dataclasses

    directory = pathlib.Path(arguments.output)
    for name in ("epochs", "steps"):
        if getattr(arguments, name) is not None:
            expect_positive_int(**{name: getattr(arguments, name)})
    _expect_seed(arguments.seed)
    from gan.faces import load_faces

    pictures = load_faces(arguments.pictures).pictures
    expect(not directory.is_file(), "a folder", output=arguments.output)
    directory.mkdir(parents=True, exist_ok=True)
    expect_writable(directory / "generator.h5")
    _import_tensorflow()
    from gan.train_faces import RECIPES, train

    changes = {"epochs": arguments.epochs, "steps_per_epoch": arguments.steps}
    changes = {name: value for name, value in changes.items() if value is not None}
    recipe = dataclasses.replace(RECIPES[arguments.recipe], **changes)
    try:
        paths = train(
            pictures,
            directory,
            recipe,
            arguments.seed,
            restart=arguments.restart,
            until_course=arguments.until_course,
        )
    except KeyboardInterrupt:
        print("\nStopped and saved. The same command, without --restart, goes on.")
        raise
    print(*paths, sep="\n")


def _evaluate(arguments):
    _expect_output(arguments)
    from gan.faces import load_faces

    pictures = load_faces(arguments.pictures).pictures
    expect(len(pictures) >= 200, "at least 200 pictures", N=len(pictures))
    _import_tensorflow()
    from gan import plots
    from gan.generate_faces import convolutional_GenDiscr
    from gan.latent import normal_generator
    from gan.reports import evaluate_faces, table
    from gan.weights import load_weights

    generators = {}
    for name, path in (("course", arguments.course), ("ours", arguments.generator)):
        if path is not None:
            generator, _ = convolutional_GenDiscr()
            load_weights((generator, path))

            def generate(count, generator=generator, path=path):
                _seed(arguments.seed)
                fakes = _generate(generator, normal_generator(count, 16))
                return _pictures(fakes, path)

            generators[name] = generate
    reports, shown = evaluate_faces(pictures, generators, arguments.seed)
    print(table(reports))
    _finish(plots.rows(shown, title="ten of each"), arguments)


def _compare(arguments):
    expect_positive_int(epochs=arguments.epochs, seeds=arguments.seeds)
    _expect_output(arguments)
    _import_tensorflow()
    from gan import plots
    from gan.reports import compare_classes, conclude

    verdicts = compare_classes(arguments.epochs, arguments.seeds, arguments.seed)
    print(conclude(verdicts))
    histories = {name: verdict.history for name, verdict in verdicts.items()}
    figure = plots.compare_losses(histories, title="cloud in the corner of [0, 1]^49")
    _finish(figure, arguments)


def _import_tensorflow():
    """Import TensorFlow without its start-up chatter."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Its C++ libraries print to descriptor 2 before any setting reaches them.
    with contextlib.suppress(OSError):
        sys.stderr.flush()
        kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        try:
            import tensorflow  # noqa: F401 (the first import is the noisy one)
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)


def _expect_output(arguments):
    _expect_seed(arguments.seed)
    suffix = pathlib.Path(arguments.output).suffix.lower()
    expect(
        suffix in ("", ".png", ".pdf", ".svg"),
        "an output that ends in .png, .pdf or .svg",
        output=arguments.output,
    )
    expect_writable(arguments.output)


def _expect_seed(seed):
    expect(0 <= seed < 2**32, "seed from 0 to 4294967295", seed=seed)


def _seed(seed):
    import keras

    keras.utils.set_random_seed(seed)


def _parts(array, size=1000):
    # The generator's widest layer takes 8 KiB a face: parts bound the memory.
    return [array[start : start + size] for start in range(0, len(array), size)]


def _generate(generator, latents):
    import numpy as np

    return np.concatenate([generator(part) for part in _parts(latents)])


def _pictures(fakes, path):
    from gan.faces import recover
    from gan.weights import read_picture

    picture = read_picture(path)
    return fakes[..., 0] if picture is None else recover(fakes, *picture)


def _finish(figure, arguments):
    from gan import plots

    print(plots.save(figure, arguments.output))
    if arguments.show:
        plots.show(figure)
