"""Generative adversarial networks for Keras 3 on TensorFlow."""

import importlib
import sys

__version__ = "0.1.0"

_PUBLIC = {
    "AC_GAN": "gan.ac_gan",
    "AdversarialModel": "gan.base",
    "Diverged": "gan.loop",
    "MinimaxGAN": "gan.minimax_gan",
    "NonSaturatingGAN": "gan.non_saturating_gan",
    "Simple_GAN": "gan.simple_gan",
    "TwoClassGAN": "gan.two_class_gan",
    "WGAN_clip": "gan.wgan_clip",
    "WGAN_GP": "gan.wgan_gp",
    "convolutional_GenDiscr": "gan.generate_faces",
    "diagnose": "gan.diagnosis",
    "fully_connected_GenDiscr": "gan.fully_connected",
    "load_model": "gan.saving",
    "normal_generator": "gan.latent",
    "spheric_generator": "gan.latent",
    "symmetric_generator": "gan.latent",
    "uniform_generator": "gan.latent",
}
_MODULES = ["animation", "callbacks", "faces", "latent", "losses", "metrics"]
_MODULES += ["penalties", "plots", "saving", "schedules", "toys", "walks"]
_MODULES += ["weights"]

__all__ = [*_PUBLIC, *_MODULES]


def __getattr__(name):
    # Lazy, so that `--help` and the NumPy-only rooms do not wait for TensorFlow.
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"gan.{name}")
    raise AttributeError(f"module 'gan' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])


# Who has Keras loaded already expects `keras.models.load_model` to know the classes.
if "keras" in sys.modules:
    for _name, _module in _PUBLIC.items():
        if "GAN" in _name:
            importlib.import_module(_module)
