"""The public interface: annotated, and documented in one style."""

import ast
import functools
import pathlib
import re

import pytest

import gan

ROOT = pathlib.Path(gan.__file__).parent
# Commands are reached by the command line, whose help documents them.
FILES = [
    path.relative_to(ROOT)
    for path in sorted(ROOT.rglob("*.py"))
    if path.parent.name != "commands" and not path.name.startswith("_")
]


@functools.cache
def definitions(file):
    """Public classes and functions of a file, each with the class it stands in."""
    found = []

    def visit(node, owner):
        for child in node.body:
            name = getattr(child, "name", "_")
            if isinstance(child, ast.ClassDef) and not name.startswith("_"):
                found.append((child, None))
                visit(child, child)
            elif isinstance(child, ast.FunctionDef):
                if not name.startswith("_") or name in ("__init__", "__call__"):
                    found.append((child, owner))

    visit(ast.parse((ROOT / file).read_text(encoding="utf-8")), None)
    return found


def parameters(function):
    some = function.args
    named = [*some.posonlyargs, *some.args, *some.kwonlyargs]
    return [one for one in named if one.arg not in ("self", "cls")]


def documentation(node, owner):
    of_class = owner is not None and node.name == "__init__"
    return ast.get_docstring(owner if of_class else node)


def is_setter(node):
    decorators = getattr(node, "decorator_list", [])
    return any(getattr(one, "attr", "") == "setter" for one in decorators)


def test_there_is_an_interface_to_check():
    assert len(FILES) > 40
    assert sum(len(definitions(file)) for file in FILES) > 250


@pytest.mark.parametrize("file", FILES, ids=str)
def test_it_is_annotated(file):
    for node, _ in definitions(file):
        if isinstance(node, ast.FunctionDef):
            missing = [one.arg for one in parameters(node) if one.annotation is None]
            assert not missing, f"{node.name}: {missing}"
            if node.name != "__init__":
                assert node.returns is not None, f"{node.name}: no return type"


@pytest.mark.parametrize("file", FILES, ids=str)
def test_it_is_documented(file):
    for node, owner in definitions(file):
        if is_setter(node):
            continue
        text = documentation(node, owner)
        assert text, f"{node.name} has no docstring"
        first = text.splitlines()[0]
        assert first[0].isupper() or first[0] in "`(", first
        assert first.rstrip().endswith((".", ":", "`")) or "\n" in text, first
        # Overrides of Keras's methods and hooks take what those take.
        plain = owner is None or node.name == "__init__"
        if isinstance(node, ast.FunctionDef) and plain and "thers as" not in text:
            names = [one.arg for one in parameters(node)]
            missing = [name for name in names if not re.search(rf"\b{name}\b", text)]
            assert not missing, f"{node.name} does not say what {missing} are"


def test_all_public_names_are_there():
    for name in gan.__all__:
        assert getattr(gan, name) is not None
        assert name in dir(gan)


def test_the_package_says_that_it_is_typed():
    assert (ROOT / "py.typed").is_file()
