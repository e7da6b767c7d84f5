"""The parser of the command line, and what becomes of errors."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import inspect
import logging
import os
import pathlib
import sys
import tomllib
import typing
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from gan import __version__
from gan.cli import draw, evaluate, page, train
from gan.errors import InvalidInput, require, shown
from gan.recipes.run import read_record

# A command is a function whose parameters are the options; commands.toml explains them.
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
    # Where its cache cannot be written it would say so on each run.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    argv = sys.argv[1:] if argv is None else list(argv)
    if not argv or argv[0].startswith("-") and argv[0] not in _OF_THE_WHOLE:
        argv = ["faces", *argv]
    with _safe_streams():
        try:
            try:
                return _run(argv, prog)
            finally:
                _flush()
        except BrokenPipeError:
            return 141  # what a shell reports of a program that SIGPIPE ended
        except (InvalidInput, ArithmeticError, OSError, ImportError, MemoryError) as e:
            print(f"{prog}: error: {_one_line(str(e))}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            return 130


def _run(argv, prog):
    """Run a command and say what it has replaced."""
    parser = _parser(prog)
    options = vars(parser.parse_args(argv))
    if options.get("config") is not None:
        _read_config(options["config"], options["command"], options["parser"])
        options = vars(parser.parse_args(argv))
    command = options.pop("command")
    bound = inspect.signature(command).bind_partial()
    bound.arguments.update({k: options[k] for k in bound.signature.parameters})
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
    """Make the options of a run's `run.json` those that hold where none are given."""
    told, name = read_record(path, "config").get("told"), command.__name__
    ours = isinstance(told, dict) and told.get("command") == name
    sentence = f"The run of {path} was not started by the command {name}."
    require(ours, sentence, "config")
    kinds = typing.get_type_hints(command)
    for option in told.keys() - {"command"}:
        value, truth = told[option], kinds.get(option) is bool
        sentence = f"{shown(option)} in {path} is no option of the command {name}."
        known = option in inspect.signature(command).parameters
        require(known, sentence, "config")
        sentence = f"The option {option} in {path} cannot be {shown(value)}."
        require(value is None or isinstance(value, bool) is truth, sentence, "config")
        # A run that was once started afresh is not so again.
        if value is not None and option != "restart":
            # A text is converted, or refused, as on the command line.
            parser.set_defaults(**{option: value if truth else str(value)})


class _SafeStream:
    """A stream on which the name of a file cannot move the cursor or change colours."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write what can be printed, and escapes of what cannot."""
        # Keras draws its bar, and a "\r" of its own begins each line of progress.
        writer = sys._getframe(1).f_globals.get("__name__", "")
        if not (text.isprintable() or text == "\r" or writer.startswith("keras.")):
            text = "".join(
                one if one.isprintable() or one in "\n\t" else repr(one)[1:-1]
                for one in text
            )
        return self._stream.write(text)


@contextlib.contextmanager
def _safe_streams() -> Iterator[None]:
    """Make stdout and stderr take whatever is printed, and print it in the clear."""
    safe = {}
    for name in ("stdout", "stderr"):
        # Of a closed stream Python makes None, and the next file takes its number.
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))
        stream = getattr(sys, name)
        # Names of files, and signs such as ±, need not be in the stream's encoding;
        # who reads through a pipe wants to know how far it is.
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="backslashreplace", line_buffering=True)
        safe[name] = stream, _SafeStream(stream)
        setattr(sys, name, safe[name][1])
    try:
        yield
    finally:
        for name, (stream, ours) in safe.items():
            if getattr(sys, name) is ours:
                setattr(sys, name, stream)


def _flush():
    try:
        sys.stdout.flush()
    except OSError:
        # Python would try again at its end, and complain.
        sys.stdout = open(os.devnull, "w")
        raise


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {_one_line(message)} (try --help)\n")

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
    source = pathlib.Path(__file__).with_name("commands.toml")
    texts = tomllib.loads(source.read_text(encoding="utf-8"))
    for command in COMMANDS:
        name, said = command.__name__, texts["usual"] | texts[command.__name__]
        added = commands.add_parser(
            name,
            help=_one_line(said["help"]),
            description=said["help"].strip(),
            epilog=f"example:\n  {prog} {said['example']}",
            **formatter,
        )
        kinds = typing.get_type_hints(command)
        for parameter in inspect.signature(command).parameters.values():
            old = _OLD_NAMES.get((name, parameter.name))
            about = kinds[parameter.name], said[parameter.name]
            _add_option(added, parameter, *about, [old] if old else [])
        if command in (train.train, train.recipe):
            text = "the run.json of a run, whose options hold where no others are given"
            added.add_argument("--config", metavar="FILE", help=text)
        added.set_defaults(command=command, parser=added)
    return parser


def _add_option(parser, parameter, kind, said, names):
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
        settings |= {} if settings.pop("required", False) else {"nargs": "?"}
        parser.add_argument(parameter.name, **settings)
    else:
        short = [f"-{option[0]}"] if option in _SHORT else []
        names = [*short, f"--{option}", *names]
        parser.add_argument(*names, dest=parameter.name, **settings)


def _one_line(text):
    return " ".join(text.split())
