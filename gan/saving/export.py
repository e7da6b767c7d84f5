"""Exports a generator for use without this library."""

from __future__ import annotations

import importlib.util
import pathlib
import shutil
import tempfile
import warnings
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gan.errors import InvalidInput, StrPath, require, shown
from gan.saving.damage import reason
from gan.support.files import atomic_path, expect_writable

# Names of formats in the command `export`, and Keras's names for them.
_FORMATS = {"savedmodel": "tf_saved_model", "tflite": "litert"}


def write_generator(
    network: keras.Model,
    path: StrPath,
    to: str,
    verbose: bool | None = None,
    **options: Any,
) -> None:
    """Writes a generator for use without this library.

    Args:
        network: `keras.Model`, functional or sequential.
        path: str or `os.PathLike`, a file, or a folder for "savedmodel".
        to: "keras", "onnx", "savedmodel", "tflite", or a format of
            `keras.Model.export`.
        verbose: bool, whether Keras prints what it has written; `None` uses the default
            of Keras.
        **options: further options of `keras.Model.export`.

    Raises:
        InvalidInput: before any work, if the path is not writable or a package is
            missing.
    """
    asked, to = to, _FORMATS.get(to, to)
    if to != "tf_saved_model":
        path = expect_writable(path)
    ending = {"keras": ".keras", "litert": ".tflite"}.get(to, "")
    require(
        str(path).endswith(ending),
        f"The name of a file of the format {asked} must end in {ending}, but it is "
        f"{shown(str(path))}.",
        "filepath",
    )
    if to == "onnx":
        _require_packages("tf2onnx")
    if to == "keras":
        with atomic_path(path) as temporary:
            network.save(temporary, **options)
        return
    if to == "litert":
        network = _resized(network)
    # Keras can export only networks that have been called.
    network(_given(tf.zeros((1, *x.shape[1:]), x.dtype) for x in network.inputs))
    network.export(path, format=to, verbose=verbose, **options)


def export_generator(
    network: keras.Model,
    path: pathlib.Path,
    to: str,
    inputs: list[np.ndarray],
    about: dict[str, str] | None = None,
) -> float:
    """Writes a generator, runs the written file, and compares the outputs.

    Args:
        network: `keras.Model` of Keras's own layers.
        path: `pathlib.Path`, a file that can be written or a folder that is new.
        to: "keras", "onnx", "savedmodel" or "tflite".
        inputs: list of arrays, arguments of the network (float32 latents and perhaps
            int labels) on which the outputs are compared.
        about: dict of str for the metadata of an ONNX file, or `None`.

    Returns:
        float, the largest absolute difference of the outputs.

    Raises:
        InvalidInput: before anything is written at `path`, if a package is missing,
            Keras cannot export the network, or the written file cannot be run or gives
            other outputs.
    """
    if to == "onnx":
        _require_packages("tf2onnx", "onnxruntime")
    # Cast and reshape the inputs as Keras would; the written file does not.
    inputs = [
        np.reshape(array, (len(array), *kind.shape[1:])).astype(kind.dtype)
        for array, kind in zip(inputs, network.inputs, strict=True)
    ]
    wanted = np.asarray(network(_given(inputs)))
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".gan-") as place:
        written = pathlib.Path(place, "generator").with_suffix(path.suffix)
        try:
            with warnings.catch_warnings(action="ignore"):
                write_generator(network, written, to, verbose=False)
                if to == "onnx" and about:
                    _write_about(written, about)
                names = [kind.name for kind in network.inputs]
                found = _RUNNERS[to](written, dict(zip(names, inputs, strict=True)))
        except Exception as error:
            said = f"Keras {keras.__version__} cannot export this generator as {to}: "
            said += f"try another format. {type(error).__name__}: {reason(error)}."
            raise InvalidInput(said, "to") from None
        difference = float(np.abs(found - wanted).max())
        # Only a different order of sums is allowed.
        same = difference < 1e-4 * max(1.0, np.abs(wanted).max())
        said = f"The generator exported as {to} draws different pictures, by up to "
        said += f"{difference:.2g}: try another format."
        require(same, said, "to")
        if to == "savedmodel":
            shutil.move(written, path)
        else:
            with atomic_path(path) as temporary:
                shutil.copyfile(written, temporary)
    return difference


def picture_network(
    network: keras.Model, offset: np.ndarray, scale: np.ndarray
) -> keras.Model:
    """Makes a network of Keras's own layers whose outputs are pictures in [0, 1].

    Args:
        network: `keras.Model`, latents and perhaps labels -> floats `(n, h, w, c)`.
        offset: float array that broadcasts to `(h, w, c)`. A picture is the network's
            output times `scale` plus `offset`.
        scale: float array that broadcasts to `(h, w, c)`.

    Returns:
        `keras.Model` whose inputs are named "latents" and "labels". As in plots, values
        are clipped to [0, 1].
    """
    inputs = [
        keras.Input(kind.shape[1:], dtype=kind.dtype, name=name)
        for kind, name in zip(network.inputs, ("latents", "labels"), strict=False)
    ]
    x = network(_given(inputs))
    if np.any(offset) or np.any(scale != 1):
        # Every version of Keras can store lists and numbers.
        x = keras.layers.Rescaling(scale.tolist(), offset.tolist())(x)
    x = keras.layers.ReLU(max_value=1.0, name="pictures")(x)
    return keras.Model(_given(inputs), x, name="pictures")


def _write_about(path, about):
    """Add metadata to an ONNX file, and name its output."""
    import onnx

    model = onnx.load(path)
    model.doc_string = about.get("title", "")
    for key, value in about.items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, path)


def _require_packages(*names):
    for name in names:
        require(
            importlib.util.find_spec(name),
            f"The format onnx needs the package {name}: pip install 'keras-gan[onnx]'.",
            "format",
        )


class _Resized(keras.layers.UpSampling2D):
    """Computes the same as `UpSampling2D`, in a way whose sizes LiteRT can infer.

    Keras repeats pixels by reshapes, after which LiteRT cannot load a convolution.
    """

    def call(self, inputs):
        sides = zip(inputs.shape[1:3], self.size, strict=True)
        sides = [side * times for side, times in sides]
        return tf.image.resize(inputs, sides, self.interpolation)


def _resized(network):
    """An equivalent network that LiteRT can load."""

    def clone(layer):
        doubles = type(layer) is keras.layers.UpSampling2D
        kind = _Resized if doubles else type(layer)
        return kind.from_config(layer.get_config())

    copy = keras.models.clone_model(network, clone_function=clone, recursive=True)
    copy.set_weights(network.get_weights())
    return copy


def _given(inputs):
    """The argument of a network with one or several inputs."""
    first, *more = inputs
    return [first, *more] if more else first


def _run_keras(path, inputs):
    return keras.saving.load_model(path)(_given(inputs.values()))


def _run_saved_model(path, inputs):
    # The variables are deleted as soon as nothing refers to the object.
    loaded = tf.saved_model.load(str(path))
    return loaded.serve(_given(inputs.values()))


def _run_onnx(path, inputs):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path))
    names = [one.name for one in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs.values(), strict=True)))[0]


def _run_tflite(path, inputs):
    run = tf.lite.Interpreter(str(path)).get_signature_runner()
    # A single input may have another name; several inputs keep the order of names.
    names = zip(sorted(run.get_input_details()), sorted(inputs), strict=True)
    (outputs,) = run(**{name: inputs[ours] for name, ours in names}).values()
    return outputs


_RUNNERS: dict[str, Any] = {
    "keras": _run_keras,
    "onnx": _run_onnx,
    "savedmodel": _run_saved_model,
    "tflite": _run_tflite,
}
