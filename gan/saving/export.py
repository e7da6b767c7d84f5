"""A generator alone, for those who do not have this library."""

from __future__ import annotations

import importlib.metadata
import pathlib
import shutil
import tempfile
import warnings
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gan.errors import expect
from gan.saving.files import atomic_path


def export_generator(
    network: keras.Model, path: pathlib.Path, to: str, inputs: list[np.ndarray]
) -> float:
    """Write a generator, and run what was written.

    Args:
        network: `keras.Model` of Keras's own layers.
        path: `pathlib.Path`, a file that can be written or a folder that is new.
        to: "keras", "onnx", "savedmodel" or "tflite".
        inputs: list of arrays that the network takes, float32 latents and perhaps
            int32 labels, on which both are compared.

    Returns:
        float, the greatest absolute difference of the outputs.

    Raises:
        InvalidInput: before anything is written at `path`, if Keras cannot export the
            network, what it wrote cannot be run, or differs.
    """
    wanted = np.asarray(network(inputs if len(inputs) > 1 else inputs[0]))
    folder = to == "savedmodel"
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".gan-") as place:
        written = pathlib.Path(place, "generator").with_suffix(path.suffix)
        try:
            with warnings.catch_warnings(action="ignore"):
                _write(network, written, to)
                found = np.asarray(_RUNNERS[to](written, inputs))
        except Exception as error:
            version = importlib.metadata.version("keras")
            reason = " ".join(str(error).split())[:200]
            expected = f"a network that Keras {version} can write as {to}"
            expect(False, expected, error=f"{type(error).__name__}: {reason}")
        difference = float(np.abs(found - wanted).max())
        # A different order of sums, no more.
        expect(difference < 1e-4, "equal outputs", difference=difference)
        if folder:
            shutil.move(written, path)
        else:
            with atomic_path(path) as temporary:
                shutil.copyfile(written, temporary)
    return difference


def _write(network, path, to):
    if to == "keras":
        network.save(path)
        return
    kind = {"savedmodel": "tf_saved_model", "tflite": "litert"}.get(to, to)
    network.export(path, format=kind, verbose=False)


def _run_keras(path, inputs):
    network = keras.saving.load_model(path)
    return network(inputs if len(inputs) > 1 else inputs[0])


def _run_saved_model(path, inputs):
    loaded = tf.saved_model.load(str(path))
    return loaded.serve(inputs if len(inputs) > 1 else inputs[0])


def _run_onnx(path, inputs):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path))
    names = [one.name for one in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs, strict=True)))[0]


def _run_tflite(path, inputs):
    interpreter = tf.lite.Interpreter(str(path))
    details = interpreter.get_input_details()
    for detail, array in zip(details, inputs, strict=True):
        interpreter.resize_tensor_input(detail["index"], array.shape)
    interpreter.allocate_tensors()
    for detail, array in zip(details, inputs, strict=True):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


_RUNNERS: dict[str, Any] = {
    "keras": _run_keras,
    "onnx": _run_onnx,
    "savedmodel": _run_saved_model,
    "tflite": _run_tflite,
}
