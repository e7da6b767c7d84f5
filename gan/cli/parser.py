"""The parser of the command line, and what becomes of errors."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import inspect
import json
import logging
import os
import pathlib
import re
import sys
import typing
from collections.abc import Callable
from typing import Any, NoReturn

from gan import __version__
from gan.cli import draw, evaluate, page, train
from gan.errors import InvalidInput, expect, expect_path

# A command is a function: its parameters are the options, its docstring is the help.
COMMANDS: list[Callable[..., Any]] = [
    draw.faces,
    draw.generate,
    draw.export,
    draw.segment,
    draw.walk,
    page.page,
    train.prepare,
    train.train,
    train.recipe,
    evaluate.evaluate,
    draw.pca,
    train.compare,
    train.toys,
    train.theory,
    evaluate.diagnose,
    page.guide,
]
# What is said of an option where the command says nothing.
_USUAL = {
    "seed": (None, "of every draw"),
    "output": ("FILE", ".png, .pdf or .svg to write"),
    "show": (None, "also open a window with the picture"),
    "generator": (
        "FILE.h5",
        "generator weights; a file that does not say how its output becomes a picture, "
        "as the course's, is drawn as it is (default: ours)",
    ),
    "epochs": (None, "instead of the recipe's number"),
    "steps": (None, "steps an epoch, instead of the recipe's number"),
    "quiet": (None, "no progress"),
    "json": (None, "print JSON instead of text"),
    "restart": (None, "start afresh; without it a run in the folder goes on"),
}
_SHORT = ("output", "quiet")
_OLD_NAMES = {("recipe", "pictures"): "--data"}
_OF_THE_WHOLE = ("-h", "--help", "--version", "--print-completion")


def main(argv: list[str] | None = None, prog: str = "gan") -> int:
    """Run one command.

    Args:
        argv: list of str, or `None` for `sys.argv[1:]`.
        prog: str, how the program was called; help and errors say so.

    Returns:
        int: 0, what the command says (1 where diagnose found something), or 2 after
            one line on stderr for anything a user can get wrong.
    """
    _prepare_streams()
    # Where its cache cannot be written it would say so on each run.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    argv = sys.argv[1:] if argv is None else list(argv)
    if not argv or argv[0].startswith("-") and argv[0] not in _OF_THE_WHOLE:
        argv = ["faces", *argv]
    try:
        try:
            options = vars(_parser(prog).parse_args(_configured(argv)))
            options.pop("config", None)
            before = _beside(options.get("output"))
            status = _call(options.pop("command"), options) or 0
            replaced = [str(p) for p, when in before.items() if _written(p) != when]
            if replaced:
                print("replaced:", *replaced, file=sys.stderr)
            return status
        finally:
            _flush()
    except BrokenPipeError:
        return 141  # what a shell reports of a program that SIGPIPE ended
    except (InvalidInput, ArithmeticError, OSError, ImportError) as error:
        said = " ".join(str(error).split())
        print(f"{prog}: error: {said}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _beside(output):
    """Files that an output would replace, and when they were written."""
    path = pathlib.Path(output or ".")
    if not path.suffix:
        return {}
    with contextlib.suppress(OSError, ValueError):
        files = [p for p in path.parent.iterdir() if p.is_file()]
        ends = {path.suffix, ".png", ".html"}
        named = [p for p in files if f"{p.stem}-".startswith(f"{path.stem}-")]
        return {file: _written(file) for file in named if file.suffix in ends}
    return {}


def _written(path):
    return path.stat().st_mtime_ns if path.exists() else None


def _configured(argv):
    """The arguments, with those of the run that `--config` names put first."""
    at = next((i for i, one in enumerate(argv) if one == "--config"), None)
    if at is None or at + 1 == len(argv):
        return argv
    path = expect_path(config=argv[at + 1])
    try:
        told = json.loads(path.read_text(encoding="utf-8"))["told"]
        name, told = told["command"], dict(told)
    except (KeyError, OSError, TypeError, ValueError) as error:
        expected = f"the run.json of a run of this program ({type(error).__name__})"
        expect(False, expected, config=str(path))
    expect(argv[0] == name, f"the command of that run, {name}", command=argv[0])
    first = [name] + [told["name"]] * ("name" in told)
    for option, value in told.items():
        if option in ("command", "name", "restart") or value in (None, False):
            continue
        first.append(f"--{option.replace('_', '-')}")
        first += [] if value is True else [str(value)]
    return first + argv[1:]


def _call(command, options):
    """Call a command with what the parser made of its parameters."""
    bound = inspect.signature(command).bind_partial()
    bound.arguments.update(options)
    return command(*bound.args, **bound.kwargs)


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
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (try --help)\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        near = difflib.get_close_matches(str(value), map(str, action.choices or []), 1)
        if near and value not in (action.choices or []):
            text = f"{value!r} is not known; did you mean {near[0]!r}?"
            raise argparse.ArgumentError(action, text)
        super()._check_value(action, value)


def _parser(prog):
    formatter: dict[str, Any]
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
    with contextlib.suppress(ImportError):
        import shtab

        shtab.add_argument_to(parser, help="print what a shell completes, for its rc")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in COMMANDS:
        text, _, rest = inspect.getdoc(command).partition("\n\nExample:\n")
        example, _, arguments = rest.partition("Args:\n")
        added = commands.add_parser(
            command.__name__,
            help=text,
            description=text,
            epilog=f"example:\n  {prog} {example.strip()}",
            **formatter,
        )
        said = _USUAL | _read_arguments(arguments)
        kinds = typing.get_type_hints(command)
        for parameter in inspect.signature(command).parameters.values():
            old = _OLD_NAMES.get((command.__name__, parameter.name))
            names = [old] if old else []
            said_of_it = said[parameter.name]
            _add_option(added, parameter, kinds[parameter.name], said_of_it, names)
        if command in (train.train, train.recipe):
            text = "the run.json of a run, whose options hold where no others are given"
            added.add_argument("--config", metavar="FILE", help=text)
        added.set_defaults(command=command)
    return parser


def _read_arguments(text):
    """What a docstring's lines `name (METAVAR): text` say, by name."""
    entry = r"^    (\w+)(?: \((.+?)\))?: (.+(?:\n {8}.+)*)"
    found = re.findall(entry, text, re.MULTILINE)
    return {name: (of or None, " ".join(said.split())) for name, of, said in found}


def _add_option(parser, parameter, kind, said, names):
    """Add a parameter of a command to its parser."""
    metavar, text = said
    option = parameter.name.rstrip("_").replace("_", "-")
    text = text.replace("%", "%%")
    settings: dict[str, Any] = {"help": text}
    usual = parameter.default
    if kind is bool:
        settings["action"] = "store_true"
    else:
        if usual is parameter.empty:
            settings["required"] = True
        else:
            settings["default"] = usual
        choices, inner = typing.get_args(kind), kind
        if typing.get_origin(kind) is typing.Literal:
            settings["choices"] = choices
        elif typing.get_origin(kind) is tuple:
            settings |= {"nargs": len(choices), "type": choices[0]}
            metavar = tuple(metavar.split())
        else:
            inner = next((one for one in choices if one is not type(None)), kind)
            settings["type"] = inner
        settings |= {"metavar": metavar} if metavar else {}
        if usual not in (None, parameter.empty) and "(default" not in text:
            shown = " ".join(map(str, usual)) if isinstance(usual, tuple) else usual
            settings["help"] += f" (default {shown})"
    if parameter.kind is parameter.POSITIONAL_ONLY:
        settings |= {} if settings.pop("required", False) else {"nargs": "?"}
        parser.add_argument(parameter.name, **settings)
    else:
        short = [f"-{option[0]}"] if option in _SHORT else []
        names = [*short, f"--{option}", *names]
        parser.add_argument(*names, dest=parameter.name, **settings)
