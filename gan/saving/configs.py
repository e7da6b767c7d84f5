"""Compares and searches the configs of Keras objects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import keras


def described(thing: Any) -> dict[str, Any]:
    """The class and config of a layer, network, optimizer or latent generator.

    Args:
        thing: an object with `get_config()`.

    Returns:
        Dict without names, seeds, modules and shapes, so that the same code gives an
        equal dict in another process.
    """
    config = keras.saving.serialize_keras_object(thing)
    numbered = {}
    for entry in entries(config):
        inner = entry["config"] if isinstance(entry.get("config"), dict) else {}
        name = str(inner.get("name"))
        stem = re.sub(r"_\d+$", "", name).replace("_", "")
        if stem == str(entry["class_name"]).lower().replace("_", ""):
            numbered.setdefault(name, f"#{len(numbered)}")
    left_out = ("build_config", "compile_config", "module", "registered_name", "seed")

    def plain(one):
        if isinstance(one, dict):
            kept = {k: v for k, v in one.items() if k not in left_out}
            if isinstance(name := kept.get("name"), str) and name in numbered:
                del kept["name"]
            return {key: plain(value) for key, value in kept.items()}
        if isinstance(one, (list, tuple)):
            # The names of layers describe their connections.
            named = [numbered.get(x, x) if isinstance(x, str) else x for x in one]
            return [*map(plain, named)]
        return one

    return {"class_name": type(thing).__name__, **plain(config)["config"]}


def entries(config: Any) -> Iterator[dict[str, Any]]:
    """Iterate over the objects of a config: its dicts with a class name."""
    waiting = [config]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting.extend(one.values())
            if "class_name" in one:
                yield one
        elif isinstance(one, list):
            waiting.extend(one)


def class_names(config: Any) -> set[str]:
    """Names of the classes of all objects in a config."""
    return {str(entry["class_name"]) for entry in entries(config)}


def unknown(config: Any, custom_objects: dict[str, Any]) -> set[str]:
    """Names of the classes and functions in a config that are not registered."""
    names = set()
    for entry in entries(config):
        function = entry["class_name"] == "function"
        name = entry.get("config" if function else "registered_name")
        kerass = str(entry.get("module")).split(".")[0] == "keras"
        if not isinstance(name, str) or kerass:
            continue
        try:
            # Deserializing a function only looks it up, also among Keras's functions.
            if function:
                keras.saving.deserialize_keras_object(entry, custom_objects)
            elif keras.saving.get_registered_object(name, custom_objects) is None:
                names.add(name)
        except (TypeError, ValueError):
            names.add(name)
    return names


def own_classes(model: Any, names: set[str]) -> dict[str, Any]:
    """Find the classes and functions of these names in a model: dict by name."""
    parts = [model, model.latent_generator]
    for network in filter(None, (model.generator, model.discriminator, model.augment)):
        parts += [getattr(network, "optimizer", None), *network._flatten_layers()]
    # Activations, initialisers and so on are attributes of a layer.
    parts += [one for part in parts for one in getattr(part, "__dict__", {}).values()]
    found = [kind for part in parts for kind in (part, type(part))]
    found = {getattr(kind, "__name__", None): kind for kind in found}
    return {name: found[name] for name in names if name in found}
