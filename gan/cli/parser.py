"""The command line: what `main.py`, `python -m gan` and `gan` call."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import logging
import os
import sys

from gan import __version__
from gan.errors import InvalidInput

# Each is a file of gan/commands/; the help lists them in this order.
COMMANDS = [
    "faces",
    "segment",
    "walk",
    "prepare",
    "train",
    "recipe",
    "evaluate",
    "pca",
    "compare",
    "toys",
    "theory",
    "diagnose",
]
_OF_THE_WHOLE = ("-h", "--help", "--version")


def main(argv: list[str] | None = None, prog: str = "gan") -> int:
    """Run one command.

    Args:
        argv: list of str, or None for `sys.argv[1:]`.
        prog: str, how the program was called; help and errors say so.

    Returns:
        int: 0, or 2 after one line on stderr for anything a user can get wrong.
    """
    _prepare_streams()
    # Where its cache cannot be written it would say so on each run.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    argv = sys.argv[1:] if argv is None else list(argv)
    if not argv or argv[0].startswith("-") and argv[0] not in _OF_THE_WHOLE:
        argv = ["faces", *argv]
    try:
        try:
            arguments = _parser(prog).parse_args(argv)
            arguments.run(arguments)
        finally:
            _flush()
    except BrokenPipeError:
        return 141  # what a shell reports of a program that SIGPIPE ended
    except (InvalidInput, ArithmeticError, OSError) as error:
        print(f"{prog}: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _prepare_streams():
    """Make stdout and stderr take whatever is printed."""
    for name in ("stdout", "stderr"):
        # Of a closed stream Python makes None, and the next file takes its number.
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))
        # Names of files, and signs such as ±, need not be in the stream's encoding;
        # who reads through a pipe wants to know how far it is.
        with contextlib.suppress(AttributeError):
            getattr(sys, name).reconfigure(
                errors="backslashreplace", line_buffering=True
            )


def _flush():
    try:
        sys.stdout.flush()
    except OSError:
        # Python would try again at its end, and complain.
        sys.stdout = open(os.devnull, "w")
        raise


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message} (try --help)\n")


def _parser(prog):
    formatter = {"formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = _Parser(
        prog=prog,
        description="Draw faces of people who do not exist, or train your own "
        "generator.\nWithout a command: faces.",
        epilog="examples:\n"
        f"  {prog}  (400 faces in faces.png)\n"
        f"  {prog} --count 100 --seed 7  (other people, fewer of them)\n"
        f"  {prog} segment  (one face turns into another)\n"
        f"  {prog} train --pictures small_res_faces_10000.npy --output run\n"
        f"  {prog} COMMAND --help  (all options of a command)",
        **formatter,
    )
    parser.add_argument("--version", action="version", version=f"{prog} {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def add_command(name, run, text, example):
        command = commands.add_parser(
            name,
            help=text,
            description=text,
            epilog=f"example:\n  {prog} {example}",
            **formatter,
        )
        command.set_defaults(run=run)
        return command

    for name in COMMANDS:
        importlib.import_module(f"gan.cli.{name}").add(add_command)
    return parser
