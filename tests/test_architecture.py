"""The arrows of the design: who may import whom, held by reading the files."""

import ast
import functools
import graphlib
import os
import pathlib
import subprocess
import sys

import pytest

import gan

ROOT = pathlib.Path(gan.__file__).parents[1]
MODULES = sorted(path.stem for path in (ROOT / "gan").glob("*.py"))
ROOMS = [name for name in MODULES if name != "__init__"]
PRIVATE = {name for name in ROOMS if name.startswith("_")}
LEAVES = {"losses", "penalties", "latent", "toys", "metrics", "plots", "weights"}
LEAVES |= {"faces", "schedules", "stream", "adam", "pca", "real_examples", "saving"}
LEAVES |= {"fast_layers"}
CLASSES = {"simple_gan", "wgan_clip", "wgan_gp"}
NUMPY_ONLY = ["faces", "metrics", "plots", "toys", "weights"]
FRAMEWORKS = {"tensorflow", "keras", "tf_keras", "torch", "jax"}


@functools.cache
def tree(path):
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def imported(nodes, package="gan"):
    """Dotted names of all that the import statements among `nodes` bring in."""
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = [package] if node.level else []
            base = ".".join([*base, *([node.module] if node.module else [])])
            names |= {f"{base}.{alias.name}" for alias in node.names}
    return names


def ours(path):
    """Rooms of ours that a file imports, at any depth of it."""
    rooms = set()
    for name in imported(ast.walk(tree(path))):
        first, *rest = name.split(".")
        if first == "gan" and rest:
            home = gan._PUBLIC.get(rest[0], f"gan.{rest[0]}")
            rooms.add(home.removeprefix("gan."))
    return rooms - {"__version__"}


def outside(nodes):
    return {name.split(".")[0] for name in imported(nodes)}


def at_import_time(node):
    """Every node that runs when the module is imported: functions' bodies do not."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield from at_import_time(child)


def python(code):
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# -- arrows ---------------------------------------------------------------------


def test_the_rooms_this_test_speaks_of_exist():
    assert {*LEAVES, *CLASSES, *NUMPY_ONLY, "base", "cli", "_validation"} <= {*ROOMS}


def test_imports_are_read_at_any_depth_and_in_every_form():
    code = """
import gan.one
from gan import two, three as drei
from gan.four import name
from . import five
from .six import name
def function():
    class Inner:
        from gan.seven import name
"""
    names = imported(ast.walk(ast.parse(code)))
    numbers = {name.split(".")[1] for name in names}
    assert numbers == {"one", "two", "three", "four", "five", "six", "seven"}
    assert outside(at_import_time(ast.parse(code))) == {"gan"}
    assert "gan.seven.name" not in imported(at_import_time(ast.parse(code)))


def test_all_we_import_of_ours_exists():
    for room in MODULES:
        assert ours(f"gan/{room}.py") <= {*ROOMS}, room


@pytest.mark.parametrize("room", sorted(LEAVES))
def test_leaves_import_only_private_rooms(room):
    allowed = PRIVATE | ({"stream"} if room == "latent" else set())
    assert ours(f"gan/{room}.py") <= allowed


@pytest.mark.parametrize("room", sorted(PRIVATE))
def test_private_rooms_import_only_each_other(room):
    assert ours(f"gan/{room}.py") <= PRIVATE


def test_base_imports_leaves_and_the_loop():
    assert ours("gan/loop.py") <= LEAVES | PRIVATE
    assert ours("gan/base.py") <= LEAVES | PRIVATE | {"loop"}


@pytest.mark.parametrize("room", sorted(CLASSES))
def test_classes_import_base_and_leaves_but_not_each_other(room):
    assert "base" in ours(f"gan/{room}.py")
    assert ours(f"gan/{room}.py") <= LEAVES | PRIVATE | {"base"}


def test_nothing_but_main_imports_the_command_line():
    for room in MODULES:
        assert "cli" not in ours(f"gan/{room}.py"), room
    assert ours("main.py") == {"cli"}


def test_no_import_goes_round_in_a_circle():
    graph = {room: ours(f"gan/{room}.py") for room in ROOMS}
    assert sorted(graphlib.TopologicalSorter(graph).static_order()) == sorted(ROOMS)


# -- heavy imports --------------------------------------------------------------


@pytest.mark.parametrize("room", NUMPY_ONLY + sorted(PRIVATE))
def test_rooms_that_take_arrays_do_without_a_framework(room):
    assert not outside(ast.walk(tree(f"gan/{room}.py"))) & FRAMEWORKS


@pytest.mark.parametrize("room", MODULES)
def test_matplotlib_is_imported_only_inside_functions_of_plots(room):
    nodes = tree(f"gan/{room}.py")
    assert "matplotlib" not in outside(at_import_time(nodes))
    if room != "plots":
        assert "matplotlib" not in outside(ast.walk(nodes))


@pytest.mark.parametrize("room", MODULES)
def test_no_room_needs_what_only_the_tests_have(room):
    third_party = outside(ast.walk(tree(f"gan/{room}.py"))) - sys.stdlib_module_names
    known = {"gan", "h5py", "keras", "matplotlib", "numpy", "tensorflow"}
    assert third_party <= known


def test_importing_the_package_and_the_array_rooms_loads_nothing_heavy():
    python(f"""
import sys
import gan
heavy = {sorted(FRAMEWORKS)} + ["matplotlib", "sklearn", "scipy"]
loaded = [name for name in ["numpy", *heavy] if name in sys.modules]
assert not loaded, loaded
assert [getattr(gan, name).__name__ for name in {NUMPY_ONLY}]
loaded = [name for name in heavy if name in sys.modules]
assert not loaded, loaded
gan.Simple_GAN
assert "tensorflow" in sys.modules
""")


def test_models_train_where_matplotlib_and_scikit_learn_are_missing():
    printed = python("""
import sys
sys.modules["matplotlib"] = sys.modules["sklearn"] = None
import gan
for module in (gan.plots, gan.metrics, gan.toys, gan.faces, gan.weights):
    pass
real = gan.toys.circle(40)
for name in ("Simple_GAN", "WGAN_clip", "WGAN_GP"):
    parts = gan.fully_connected_GenDiscr([1, 3, 2], real)
    model = getattr(gan, name)(*parts, real, 8)
    print(name, *model.train_step(None))
try:
    gan.plots.mosaic(real.reshape(-1, 2, 2))
except ImportError as error:
    print("matplotlib" in str(error))
""")
    assert printed.splitlines() == [
        "Simple_GAN discr_loss gen_loss",
        "WGAN_clip discr_loss gen_loss",
        "WGAN_GP discr_loss gen_loss gp",
        "True",
    ]


# -- public names ---------------------------------------------------------------


def test_public_names_resolve():
    assert len(set(gan.__all__)) == len(gan.__all__)
    for name in gan.__all__:
        value = getattr(gan, name)
        assert value.__name__ in (name, f"gan.{name}")
    assert {*gan.__all__, "__version__"} <= {*dir(gan)}
    assert not [name for name in gan.__all__ if name.startswith("_")]
    with pytest.raises(AttributeError, match="^module 'gan' has no attribute 'WGAN'$"):
        gan.WGAN  # noqa: B018 (the access itself is what is tested)


def test_the_contracts_names_are_public():
    names = "Simple_GAN WGAN_clip WGAN_GP convolutional_GenDiscr spheric_generator "
    names += "fully_connected_GenDiscr normal_generator uniform_generator"
    assert {*names.split()} <= {*gan.__all__}


def public_definitions(node, prefix):
    for child in node.body:
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        if not isinstance(child, kinds) or child.name.startswith("_"):
            continue
        # A property's setter shares the docstring of its getter.
        marks = [getattr(mark, "attr", None) for mark in child.decorator_list]
        if "setter" not in marks:
            yield f"{prefix}.{child.name}", child
        if isinstance(child, ast.ClassDef):
            yield from public_definitions(child, f"{prefix}.{child.name}")


@pytest.mark.parametrize("room", MODULES)
def test_every_public_definition_has_a_docstring(room):
    nodes = tree(f"gan/{room}.py")
    named = [(room, nodes), *public_definitions(nodes, room)]
    assert not [name for name, node in named if not ast.get_docstring(node)]


def test_every_public_name_has_a_docstring():
    for name in gan.__all__:
        assert getattr(gan, name).__doc__.strip(), name


# -- tests ----------------------------------------------------------------------


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_its_tests(room):
    assert (ROOT / "tests" / f"test_{room.removeprefix('_')}.py").is_file()
