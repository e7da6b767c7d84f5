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

import importlib
import importlib.abc
import importlib.util
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gan import latent, losses, saving
    from gan import losses as penalties
    from gan.base import AdversarialModel
    from gan.data import faces, toys
    from gan.errors import InvalidInput
    from gan.evaluation import metrics
    from gan.evaluation.diagnose import diagnose
    from gan.fully_connected import fully_connected_GenDiscr
    from gan.generate_faces import convolutional_GenDiscr
    from gan.latent import (
        normal_generator,
        spheric_generator,
        symmetric_generator,
        uniform_generator,
    )
    from gan.saving import load_model
    from gan.saving import weights_file as weights
    from gan.simple_gan import Simple_GAN
    from gan.training import callbacks, distribute, schedules
    from gan.training.fit import Diverged
    from gan.variants.ac_gan import AC_GAN
    from gan.variants.minimax_gan import MinimaxGAN
    from gan.variants.non_saturating_gan import NonSaturatingGAN
    from gan.variants.two_class_gan import TwoClassGAN
    from gan.visualization import animation, plots, walks
    from gan.wgan_clip import WGAN_clip
    from gan.wgan_gp import WGAN_GP

__version__ = "0.2.0"

# Where each public name lives; a module of a wing is public by its own name.
_HOMES = {
    "AC_GAN": "gan.variants.ac_gan",
    "AdversarialModel": "gan.base",
    "Diverged": "gan.training.fit",
    "InvalidInput": "gan.errors",
    "MinimaxGAN": "gan.variants.minimax_gan",
    "NonSaturatingGAN": "gan.variants.non_saturating_gan",
    "Simple_GAN": "gan.simple_gan",
    "TwoClassGAN": "gan.variants.two_class_gan",
    "WGAN_clip": "gan.wgan_clip",
    "WGAN_GP": "gan.wgan_gp",
    "convolutional_GenDiscr": "gan.generate_faces",
    "diagnose": "gan.evaluation.diagnose",
    "fully_connected_GenDiscr": "gan.fully_connected",
    "load_model": "gan.saving",
    "normal_generator": "gan.latent",
    "spheric_generator": "gan.latent",
    "symmetric_generator": "gan.latent",
    "uniform_generator": "gan.latent",
}
_MODULES = {
    "animation": "gan.visualization.animation",
    "callbacks": "gan.training.callbacks",
    "distribute": "gan.training.distribute",
    "faces": "gan.data.faces",
    "latent": "gan.latent",
    "losses": "gan.losses",
    "metrics": "gan.evaluation.metrics",
    "penalties": "gan.losses",
    "plots": "gan.visualization.plots",
    "saving": "gan.saving",
    "schedules": "gan.training.schedules",
    "toys": "gan.data.toys",
    "walks": "gan.visualization.walks",
    "weights": "gan.saving.weights_file",
}
# What files name beside the models; the layers are those of version 0.1.0.
_STORED = {
    "Adam": "gan.training.adam",
    "Conv2D": "keras.layers",
    "LatentGenerator": "gan.latent",
    "LinearDecay": "gan.training.schedules",
    "MaxPooling2D": "keras.layers",
    "UpSampling2D": "keras.layers",
}

__all__ = [
    "AC_GAN",
    "AdversarialModel",
    "Diverged",
    "InvalidInput",
    "MinimaxGAN",
    "NonSaturatingGAN",
    "Simple_GAN",
    "TwoClassGAN",
    "WGAN_GP",
    "WGAN_clip",
    "animation",
    "callbacks",
    "convolutional_GenDiscr",
    "diagnose",
    "distribute",
    "faces",
    "fully_connected_GenDiscr",
    "latent",
    "load_model",
    "losses",
    "metrics",
    "normal_generator",
    "penalties",
    "plots",
    "saving",
    "schedules",
    "spheric_generator",
    "symmetric_generator",
    "toys",
    "uniform_generator",
    "walks",
    "weights",
]


# Lazy, so that `--help` and what needs only NumPy do not wait for TensorFlow.
def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    raise AttributeError(f"module 'gan' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


class _Stored:
    """Stands in Keras's registry for a class until a file asks for it."""

    def __init__(self, name: str, home: str) -> None:
        self.name, self.home = name, home

    def from_config(self, config: dict[str, object]) -> object:
        cls = getattr(importlib.import_module(self.home), self.name)
        return cls.from_config(config)


def _register() -> None:
    known = importlib.import_module("keras").saving.get_custom_objects()
    models = {name: home for name, home in _HOMES.items() if "GAN" in name}
    for name, home in (models | _STORED).items():
        known.setdefault(f"gan>{name}", _Stored(name, home))


class _AfterKeras(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Registers the classes as soon as Keras has been imported, whoever does it."""

    def find_spec(self, name: str, path: object, target: object = None) -> object:
        if name != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None:
            self.loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self.loader
        self.loader.exec_module(module)
        _register()


if "keras" in sys.modules:
    _register()
else:
    sys.meta_path.insert(0, _AfterKeras())
