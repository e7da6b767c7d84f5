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
import gan.cli

ROOT = pathlib.Path(gan.__file__).parents[1]
PATHS = {
    ".".join(path.relative_to(ROOT / "gan").with_suffix("").parts): path
    for path in sorted((ROOT / "gan").rglob("*.py"))
}
MODULES = [*PATHS]
ROOMS = [name for name in MODULES if not name.endswith("__init__")]
PRIVATE = {name for name in ROOMS if name.startswith("_")} - {"__main__"}
COMMANDS = [name for name in ROOMS if name.startswith("commands.")]
RECIPES = [name for name in ROOMS if name.startswith("recipes.")]
LEAVES = {"losses", "penalties", "latent", "toys", "metrics", "plots", "weights"}
LEAVES |= {"faces", "schedules", "stream", "adam", "pca", "real_examples", "saving"}
LEAVES |= {"fast_layers", "animation", "picture_files", "walks", "distribute"}
CLASSES = {"simple_gan", "wgan_clip", "wgan_gp"}
CLASSES |= {"ac_gan", "minimax_gan", "non_saturating_gan", "two_class_gan"}
NUMPY_ONLY = ["animation", "faces", "metrics", "plots", "toys", "walks", "weights"]
FRAMEWORKS = {"tensorflow", "keras", "tf_keras", "torch", "jax"}


@functools.cache
def tree(path):
    return ast.parse(pathlib.Path(path).read_text(encoding="utf-8"))


def imported(nodes, package="gan"):
    """Dotted names of all that the import statements among `nodes` bring in."""
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: 1 - node.level or None] if node.level else []
            base = ".".join([*base, *([node.module] if node.module else [])])
            names |= {f"{base}.{alias.name}" for alias in node.names}
    return names


def room_of(name):
    """The room that a dotted name of ours lives in; the name if there is none."""
    name = gan._PUBLIC.get(name.removeprefix("gan."), name).removeprefix("gan.")
    parts = name.split(".")
    heads = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next((head for head in heads if head in ROOMS), name)


def children(node):
    """Its child nodes, but not those that only a type checker reads."""
    for_types = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    return node.orelse if for_types else ast.iter_child_nodes(node)


def at_run_time(node):
    """Every node that may run, at any depth."""
    for child in children(node):
        yield child
        yield from at_run_time(child)


def imports_of(path, package="gan"):
    names = imported(at_run_time(tree(path)), package)
    return {room_of(name) for name in names if name.startswith("gan.")} - {
        "__version__"
    }


def ours(room):
    """Rooms of ours that a room imports, at any depth of it."""
    return imports_of(PATHS[room], ".".join(["gan", *room.split(".")[:-1]]))


def outside(nodes):
    return {name.split(".")[0] for name in imported(nodes)}


def at_import_time(node):
    """Every node that runs when the module is imported: functions' bodies do not."""
    for child in children(node):
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
    names = imported(at_run_time(ast.parse(code)))
    numbers = {name.split(".")[1] for name in names}
    assert numbers == {"one", "two", "three", "four", "five", "six", "seven"}
    assert outside(at_import_time(ast.parse(code))) == {"gan"}
    assert "gan.seven.name" not in imported(at_import_time(ast.parse(code)))
    inside = ast.parse("from . import one\nfrom ..two import name").body
    assert imported(inside, "gan.commands") == {"gan.commands.one", "gan.two.name"}


def test_imports_for_a_type_checker_alone_do_not_count():
    code = """
if TYPE_CHECKING:
    import one
    if other:
        import two
else:
    import three
if other:
    import four
"""
    for nodes in (at_run_time, at_import_time):
        assert imported(nodes(ast.parse(code))) == {"three", "four"}


def test_all_we_import_of_ours_exists():
    for room in MODULES:
        assert ours(room) <= {*ROOMS}, room


@pytest.mark.parametrize("room", sorted(LEAVES))
def test_leaves_import_only_private_rooms(room):
    more = {"latent": {"stream"}, "saving": {"distribute"}}
    allowed = PRIVATE | more.get(room, set())
    assert ours(room) <= allowed


@pytest.mark.parametrize("room", sorted(PRIVATE))
def test_private_rooms_import_only_each_other(room):
    assert ours(room) <= PRIVATE


def test_base_imports_leaves_and_the_loop():
    assert ours("loop") <= LEAVES | PRIVATE
    assert ours("base") <= LEAVES | PRIVATE | {"loop"}


@pytest.mark.parametrize("room", sorted(CLASSES))
def test_classes_import_base_and_leaves_but_not_each_other(room):
    assert "base" in ours(room)
    assert ours(room) <= LEAVES | PRIVATE | {"base"}


def test_nothing_but_main_imports_the_command_line():
    for room in {*MODULES} - {"__main__"}:
        assert "cli" not in ours(room), room
    assert imports_of(ROOT / "main.py") == ours("__main__") == {"cli"}


def test_the_command_line_finds_every_command_in_one_list():
    assert {f"commands.{name}" for name in gan.cli.COMMANDS} | {"commands._shared"} == {
        *COMMANDS
    }


@pytest.mark.parametrize("room", COMMANDS)
def test_commands_import_no_other_command(room):
    assert ours(room) & {*COMMANDS} <= {"commands._shared"}


def test_only_commands_import_commands():
    for room in {*MODULES} - {*COMMANDS}:
        assert not ours(room) & {*COMMANDS}, room


def test_recipes_stand_alone():
    for room in {*MODULES} - {*RECIPES}:
        assert not ours(room) & {*RECIPES}, room
    for room in RECIPES:
        assert not ours(room) & {*RECIPES, "train_recipe", "cli"}, room


def test_no_import_goes_round_in_a_circle():
    graph = {room: ours(room) for room in ROOMS}
    assert sorted(graphlib.TopologicalSorter(graph).static_order()) == sorted(ROOMS)


# -- heavy imports --------------------------------------------------------------


@pytest.mark.parametrize("room", [*NUMPY_ONLY, "picture_files", *sorted(PRIVATE)])
def test_rooms_that_take_arrays_do_without_a_framework(room):
    assert not outside(at_run_time(tree(PATHS[room]))) & FRAMEWORKS


@pytest.mark.parametrize("room", MODULES)
def test_matplotlib_is_imported_only_inside_functions_of_plots(room):
    nodes = tree(PATHS[room])
    assert not {"matplotlib", "PIL"} & outside(at_import_time(nodes))
    if room != "plots":
        assert "matplotlib" not in outside(at_run_time(nodes))


@pytest.mark.parametrize("room", MODULES)
def test_no_room_needs_what_only_the_tests_have(room):
    third_party = outside(ast.walk(tree(PATHS[room]))) - sys.stdlib_module_names
    known = {"gan", "h5py", "keras", "matplotlib", "numpy", "tensorflow", "PIL"}
    if room in ("commands.prepare", "datasets"):
        known |= {"sklearn"}  # an option, which says so where it is missing
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


@pytest.mark.slow
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
    nodes = tree(PATHS[room])
    named = [(room, nodes), *public_definitions(nodes, room)]
    assert not [name for name, node in named if not ast.get_docstring(node)]


def test_every_public_name_has_a_docstring():
    for name in gan.__all__:
        assert getattr(gan, name).__doc__.strip(), name


# -- tests ----------------------------------------------------------------------


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_its_tests(room):
    name = "_".join(part.strip("_") for part in ["test", *room.split(".")])
    assert (ROOT / "tests" / f"{name}.py").is_file()
