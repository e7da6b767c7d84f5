"""Generative adversarial networks for Keras 3 on TensorFlow.

Train one on points of a circle, in a second or two:

```python
import gan

real = gan.toys.circle(1000)
networks = gan.fully_connected_GenDiscr([2, 10, 10, 2], real)
model = gan.WGAN_GP(*networks, real)
model.compile()
model.fit(epochs=5, steps_per_epoch=100)
fakes = model.get_fake_sample(100)
```
"""

from __future__ import annotations

import ast
import importlib
import importlib.abc
import importlib.util
import pathlib
import sys
from typing import Any

from gan.training.quiet import quiet

__version__ = "0.2.0"

# What files name beside the models; the layers are those of version 0.1.0.
_STORED = {
    "Adam": "gan.training.adam",
    "Conv2D": "keras.layers",
    "DiffAugment": "gan.variants.diff_augment",
    "LatentGenerator": "gan.latent",
    "LinearDecay": "gan.training.schedules",
    "MaxPooling2D": "keras.layers",
    "Sorter": "gan.recipes.faces",
    "UpSampling2D": "keras.layers",
}


def _read_names() -> dict[str, tuple[str, str]]:
    """Public names, each with the module and the name it is imported from."""
    stub = pathlib.Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8")
    homes, names = {}, {}
    for line in ast.parse(stub).body:
        if isinstance(line, ast.ImportFrom):
            for alias in line.names:
                homes[alias.name] = line.module, alias.name
                # Editors take "x as x" for public, and so do we.
                names |= {alias.asname: homes[alias.name]} if alias.asname else {}
        elif isinstance(line, ast.Assign):
            names[ast.unparse(line.targets[0])] = homes[ast.unparse(line.value)]
    return names


_NAMES = _read_names()
__all__ = [*_NAMES]


# Lazy, so that `--help` and what needs only NumPy do not wait for TensorFlow.
def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'gan' has no attribute {name!r}")
    home, original = _NAMES[name]
    with quiet():
        if home == "gan":
            return importlib.import_module(f"gan.{original}")
        found = getattr(importlib.import_module(home), original, None)
        return found or importlib.import_module(f"{home}.{original}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


class _Stored:
    """Stands in Keras's registry for a class until a file asks for it."""

    def __init__(self, name: str, home: str) -> None:
        self.name, self.home = name, home

    def from_config(self, config: dict[str, Any]) -> Any:
        cls = getattr(importlib.import_module(self.home), self.name)
        return cls.from_config(config)


def _register() -> None:
    known = importlib.import_module("keras").saving.get_custom_objects()
    models = {name: home for name, (home, _) in _NAMES.items() if "GAN" in name}
    for name, home in (models | _STORED).items():
        known.setdefault(f"gan>{name}", _Stored(name, home))


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Registers the classes when Keras is imported, and finds `gan.plots` in its wing.

    Whoever imports Keras expects `keras.models.load_model` to know the classes.
    """

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        """The spec of Keras, and of a public module by its public name."""
        package, _, name = fullname.partition(".")
        at_home = ("gan", name)
        if package == "gan" and _NAMES.get(name, at_home) != at_home:
            return importlib.util.spec_from_loader(fullname, self)
        if fullname == "keras" and fullname not in sys.modules:
            sys.meta_path.remove(self)
            spec = importlib.util.find_spec(fullname)
            sys.meta_path.insert(0, self)
            if spec is not None:
                self.keras, spec.loader = spec.loader, self
            return spec
        return None

    def create_module(self, spec: Any) -> Any:
        """Keras's own module, or the one of the wing."""
        if spec.name == "keras":
            return self.keras.create_module(spec)
        module = __getattr__(spec.name.partition(".")[2])
        self.spec = module.__spec__
        return module

    def exec_module(self, module: Any) -> None:
        """Run Keras and register; the wing's module has run."""
        if module.__name__ != "keras":
            module.__spec__ = self.spec
            return
        module.__spec__.loader = module.__loader__ = self.keras
        self.keras.exec_module(module)
        _register()


if "keras" in sys.modules:
    _register()
sys.meta_path.insert(0, _Finder())
