"""The parser of the command line, and the handling of errors."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import inspect
import logging
import pathlib
import sys
import tomllib
import typing
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from gan import __version__
from gan.cli import draw, evaluate, lessons, page, project, train, translate
from gan.cli.streams import flush, safe_streams
from gan.errors import InvalidInput, require, shown
from gan.recipes.record import read_record

# A command is a function whose parameters are the options; commands.toml explains them.
_DRAWING = (draw.faces, draw.generate, draw.walk, draw.export, page.page)
_DRAWING += (project.project, project.edit)
_OTHERS = (train.train, translate.translate, evaluate.evaluate, evaluate.diagnose)
_LESSONS = (lessons.circle, lessons.cloud, lessons.gaussian, lessons.theory)
_LESSONS += (lessons.pca, lessons.guide)
COMMANDS: dict[str, Callable[..., Any]] = {
    **{command.__name__: command for command in (*_DRAWING, *_OTHERS)},
    **{f"lesson {lesson.__name__}": lesson for lesson in _LESSONS},
}


class Old(NamedTuple):
    """A name that a command had in version 0.2.0.

    Attributes:
        now: str, its present name.
        options: str, options to add to the present name.
        usual: dict, the defaults of the old name.
        first: str, the option that is given by position, or `None`.
    """

    now: str
    options: str = ""
    usual: dict[str, Any] = {}
    first: str | None = None


OLD_COMMANDS: dict[str, Old] = {
    "segment": Old(
        "walk", "--shape segment", {"shape": "segment", "output": "segment.png"}
    ),
    "prepare": Old("train", "--prepare", {"prepare": True, "output": "pictures.npy"}),
    "recipe": Old("train", "--recipe NAME", {"recipe": "list"}, "recipe"),
    "compare": Old("lesson cloud"),
    "toys": Old("lesson circle"),
    "theory": Old("lesson theory"),
    "pca": Old("lesson pca"),
    "guide": Old("lesson guide"),
}
# Old names of options, which help does not show.
_OLD_OPTIONS = {
    ("walk", "model"): "--generator",
    ("evaluate", "model"): "--generator",
    ("train", "pictures"): "--data",
    ("page", "discriminator"): "--judge",
}
_SHORT = ("output", "quiet")
_OF_THE_WHOLE = ("-h", "--help", "--version", "--print-completion")


def main(argv: list[str] | None = None, prog: str = "gan") -> int:
    """Run one command.

    Args:
        argv: list of str, or `None` for `sys.argv[1:]`.
        prog: str, the program's name in help and errors.

    Returns:
        int, the exit status: 0; 1 if diagnose has found a mistake; 2 after an error,
        which is one line on stderr; 130 after Ctrl-C; 141 if a pipe was closed.
    """
    # Matplotlib would complain on each run if its cache could not be written.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    argv = sys.argv[1:] if argv is None else list(argv)
    if not argv or argv[0].startswith("-") and argv[0] not in _OF_THE_WHOLE:
        argv = ["faces", *argv]
    with safe_streams(), _short_warnings(prog):
        try:
            try:
                return _run(argv, prog)
            finally:
                flush()
        except BrokenPipeError:
            return 141  # the status that a shell reports after SIGPIPE
        except (InvalidInput, ArithmeticError, OSError, ImportError, MemoryError) as e:
            print(f"{prog}: error: {_one_line(str(e))}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            return 130


@contextlib.contextmanager
def _short_warnings(prog):
    """Show a warning as one line, without the file and the code that caused it."""
    usual = warnings.formatwarning

    def one_line(message, *_, **__):
        return f"{prog}: warning: {_one_line(str(message))}\n"

    warnings.formatwarning = one_line
    try:
        yield
    finally:
        warnings.formatwarning = usual


def _run(argv, prog):
    """Run a command, and say which files it has replaced."""
    parser = _parser(prog)
    options = vars(parser.parse_args(argv))
    if options.get("config") is not None:
        _read_config(options["config"], options["command"], options["parser"])
        options = vars(parser.parse_args(argv))
    command = options["command"]
    if options["now"]:
        print(f"This command is now called {prog} {options['now']}.", file=sys.stderr)
    bound = inspect.signature(command).bind_partial()
    given = {k: options[k] for k in bound.signature.parameters if k in options}
    bound.arguments.update(given)
    before = _beside(options.get("output"))
    status = command(*bound.args, **bound.kwargs) or 0
    replaced = [str(p) for p, when in before.items() if _written(p) != when]
    if replaced:
        print("replaced:", *replaced, file=sys.stderr)
    return status


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


def _read_config(path, command, parser):
    """Make the options in a run's `run.json` the defaults of a command."""
    told, name = read_record(path, "config").get("told"), command.__name__
    if isinstance(told, dict) and told.get("command") == "recipe":
        # Version 0.2.0 had a command of its own for some of what train does.
        told |= {"command": "train", "recipe": told.pop("name", None)}
    ours = isinstance(told, dict) and told.get("command") == name
    sentence = f"The run of {path} was not started by the command {name}."
    require(ours, sentence, "config")
    kinds = typing.get_type_hints(command)
    for option in told.keys() - {"command"}:
        value, truth = told[option], kinds.get(option) is bool
        sentence = f"{shown(option)} in {path} is not an option of the command {name}."
        known = option in inspect.signature(command).parameters
        require(known, sentence, "config")
        sentence = f"The option {option} in {path} cannot be {shown(value)}."
        require(value is None or isinstance(value, bool) is truth, sentence, "config")
        # A run that was restarted once is not restarted again.
        if value is not None and option != "restart":
            # A text is converted, or refused, as on the command line.
            parser.set_defaults(**{option: value if truth else str(value)})


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InvalidInput(f"{message} (try --help)")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices = [*map(str, action.choices or [value])]
        if str(value) in choices:
            return
        shown = [repr(choice) for choice in choices if choice not in OLD_COMMANDS]
        near = difflib.get_close_matches(str(value), choices, 1)
        text = f"invalid choice: {value!r} (choose from {', '.join(shown)})"
        if near:
            text = f"{value!r} is unknown; did you mean {near[0]!r}?"
        raise argparse.ArgumentError(action, text)


def _parser(prog):
    parser = _Parser(
        prog=prog,
        description="Draw faces of people who do not exist, or train your own "
        "generator.\nWithout a command, it draws faces.",
        epilog="examples:\n"
        f"  {prog}  (400 faces in faces.png)\n"
        f"  {prog} --count 100 --seed 7  (other people, fewer of them)\n"
        f"  {prog} walk  (one face turns into others)\n"
        f"  {prog} train --pictures small_res_faces_10000.npy --output run\n"
        f"  {prog} COMMAND --help  (all options of a command)",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"{prog} {__version__}")
    with contextlib.suppress(ImportError):
        import shtab

        shtab.add_argument_to(parser, help="print a completion script for your shell")
    source = pathlib.Path(__file__).with_name("commands.toml")
    texts = tomllib.loads(source.read_text(encoding="utf-8"))
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    groups = {"": commands}
    for words in COMMANDS:
        group, _, name = words.rpartition(" ")
        if group not in groups:
            added = _add_parser(commands, group, texts[group], prog)
            groups[group] = added.add_subparsers(
                title="lessons", metavar="NAME", required=True
            )
        _add_command(groups[group], name, words, texts, prog)
    for name, old in OLD_COMMANDS.items():
        _add_command(commands, name, old.now, texts, prog, old)
    return parser


def _add_parser(group, name, said, prog, hidden=False):
    # Without `help` a command is understood, but not listed.
    listed = {} if hidden else {"help": _one_line(said["help"])}
    return group.add_parser(
        name,
        description=said["help"].strip(),
        epilog=f"example:\n  {prog} {said['example']}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        **listed,
    )


def _add_command(group, name, words, texts, prog, old=None):
    """Add a command, or the old name of one, to a group of commands."""
    command = COMMANDS[words]
    said = texts["usual"] | texts[command.__name__]
    parser = _add_parser(group, name, said, prog, hidden=old is not None)
    kinds = typing.get_type_hints(command)
    for parameter in inspect.signature(command).parameters.values():
        by_place = parameter.kind is parameter.POSITIONAL_ONLY
        by_place |= old is not None and old.first == parameter.name
        about = kinds[parameter.name], said[parameter.name]
        _add_option(parser, parameter, *about, by_place)
        another = _OLD_OPTIONS.get((words, parameter.name))
        if another:
            hidden = {"default": argparse.SUPPRESS, "help": argparse.SUPPRESS}
            parser.add_argument(another, dest=parameter.name, **hidden)
    if command is train.train:
        text = "run.json of an earlier run, whose options hold unless you give others"
        parser.add_argument("--config", metavar="FILE", help=text)
    now = f"{old.now} {old.options}".strip() if old else None
    parser.set_defaults(command=command, parser=parser, now=now)
    parser.set_defaults(**(old.usual if old else {}))


def _add_option(parser, parameter, kind, said, by_place):
    """Add a parameter of a command to its parser."""
    metavar, text = said if isinstance(said, list) else (None, said)
    option = parameter.name.rstrip("_").replace("_", "-")
    text = _one_line(text).replace("%", "%%")
    settings: dict[str, Any] = {"help": text}
    usual = parameter.default
    if kind is bool:
        settings["action"] = "store_true"
    else:
        if usual is parameter.empty:
            settings["required"] = True
        else:
            settings["default"] = usual
        choices = typing.get_args(kind)
        if type(None) in choices:
            (kind,) = [one for one in choices if one is not type(None)]
            choices = typing.get_args(kind)
        if typing.get_origin(kind) is typing.Literal:
            settings["choices"] = choices
        elif typing.get_origin(kind) is tuple:
            settings |= {"nargs": len(choices), "type": choices[0]}
            metavar = tuple(metavar.split())
        else:
            settings["type"] = kind
        settings |= {"metavar": metavar} if metavar else {}
        if usual not in (None, parameter.empty) and "(default" not in text:
            shown = " ".join(map(str, usual)) if isinstance(usual, tuple) else usual
            settings["help"] += f" (default {shown})"
    if parameter.kind is parameter.POSITIONAL_ONLY:
        # Otherwise the default of the missing argument would override the old option.
        settings["default"] = argparse.SUPPRESS
    if by_place:
        parser.add_argument(parameter.name, **settings | {"nargs": "?"})
    else:
        short = [f"-{option[0]}"] if option in _SHORT else []
        names = [*short, f"--{option}"]
        parser.add_argument(*names, dest=parameter.name, **settings)


def _one_line(text):
    # The one argument whose option has another name.
    return " ".join(text.split()).replace("argument labels", "argument class")
