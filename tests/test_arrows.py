"""A package imports only from those below it, also lazily and for types."""

import ast
import pathlib

import gan

ROOT = pathlib.Path(gan.__file__).parent
# The packages from the lowest up; those in one line may not import each other.
FLOORS = """
errors
support
distribute schedules losses
latent data penalties
conditions metrics plots animation walks toys faces
saving
training weights
base
simple_gan wgan_clip wgan_gp fully_connected generate_faces variants networks
generators
diagnosis pages testing
callbacks
recipes
lessons
cli
__main__
"""
FLOOR = {
    wing: number
    for number, floor in enumerate(FLOORS.split("\n"))
    for wing in floor.split()
}


def modules():
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        yield ".".join(parts).removesuffix(".__init__"), path


def imports(path, known):
    """Modules of the package that a file imports, wherever the import stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        found = []
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gan"):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found = [name if name in known else node.module for name in names]
        elif isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        yield from (name for name in found if name.split(".")[0] == "gan")


def wing(module):
    return module.split(".")[1] if "." in module else None


def test_imports_run_down():
    known, up = dict(modules()), []
    for module, path in known.items():
        for other in imports(path, known):
            here, there = wing(module), wing(other)
            if None not in (here, there) and here != there:
                assert here in FLOOR and there in FLOOR, (here, there)
                up += [(module, other)] * (FLOOR[here] <= FLOOR[there])
    assert up == []


def test_there_is_no_circle():
    known = dict(modules())
    below = {m: {*imports(path, known)} & {*known} - {m} for m, path in known.items()}
    # A package that only re-exports names of its modules does not use them.
    below = {m: parts for m, parts in below.items() if known[m].name != "__init__.py"}
    while below:
        ground = [m for m, parts in below.items() if not parts & {*below}]
        assert ground, f"a circle among {sorted(below)}"
        below = {m: parts for m, parts in below.items() if m not in ground}


def test_a_public_path_is_a_files_path():
    """Each public module is a file, so that editors and people find it."""
    for name in gan.__all__:
        there = (ROOT / f"{name}.py").is_file() or (ROOT / name).is_dir()
        assert there or not hasattr(getattr(gan, name), "__path__"), name
