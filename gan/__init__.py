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
from typing import Any

import wrapt

from gan.support.quiet import quiet

__version__ = "0.3.0.dev0"

# The public names and the modules that hold them. Editors read them in __init__.pyi.
_MODULES = ("animation", "callbacks", "conditions", "data", "distribute", "faces")
_MODULES += ("latent", "losses", "metrics", "penalties", "plots", "saving")
_MODULES += ("schedules", "testing", "toys", "walks", "weights")
_HOMES = {
    "AC_GAN": "gan.variants.ac_gan",
    "AdversarialModel": "gan.base",
    "CaptionGAN": "gan.variants.caption_gan",
    "CycleGAN": "gan.variants.cycle_gan",
    "DiffAugment": "gan.variants.diff_augment",
    "Diverged": "gan.training.fit",
    "HingeGAN": "gan.variants.hinge_gan",
    "InvalidInput": "gan.errors",
    "MinimaxGAN": "gan.variants.minimax_gan",
    "NonSaturatingGAN": "gan.variants.non_saturating_gan",
    "R3GAN": "gan.variants.r3gan",
    "Simple_GAN": "gan.simple_gan",
    "TrainedGenerator": "gan.generators.trained",
    "TranslationGAN": "gan.variants.translation_gan",
    "Translator": "gan.generators.translator",
    "TwoClassGAN": "gan.variants.two_class_gan",
    "WGAN_GP": "gan.wgan_gp",
    "WGAN_clip": "gan.wgan_clip",
    "convolutional_GenDiscr": "gan.generate_faces",
    "cycle_GenDiscr": "gan.networks.cycle",
    "diagnose": "gan.diagnosis",
    "fully_connected_GenDiscr": "gan.fully_connected",
    "load_generator": "gan.generators.load",
    "load_model": "gan.saving",
    "load_translator": "gan.generators.translator",
    "normal_generator": "gan.latent",
    "residual_GenDiscr": "gan.networks.residual",
    "set_threads": "gan.support.threads",
    "spheric_generator": "gan.latent",
    "strided_GenDiscr": "gan.networks.strided",
    "symmetric_generator": "gan.latent",
    "train": "gan.recipes.train",
    "unet_GenDiscr": "gan.networks.unet",
    "uniform_generator": "gan.latent",
}
__all__ = sorted([*_MODULES, *_HOMES])

# Other classes that occur in model files; the Keras layers only in those of 0.1.0.
_STORED = {
    "Adam": "gan.training.adam",
    "Conv2D": "keras.layers",
    "DiffAugment": "gan.variants.diff_augment",
    "Edges": "gan.conditions",
    "Grey": "gan.conditions",
    "Hole": "gan.conditions",
    "LatentGenerator": "gan.latent",
    "LinearDecay": "gan.schedules",
    "MaxPooling2D": "keras.layers",
    "Shrunk": "gan.conditions",
    "Sorter": "gan.recipes.faces",
    "UpSampling2D": "keras.layers",
    "Words": "gan.conditions.words",
}


# Imports are lazy, so that `--help` and NumPy-only code do not wait for TensorFlow.
def __getattr__(name: str) -> Any:
    with quiet():
        if name in _MODULES:
            return importlib.import_module(f"gan.{name}")
        if name in _HOMES:
            return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'gan' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


class _Stored:
    """A stand-in in Keras's registry that imports its class when a file needs it."""

    def __init__(self, name: str, home: str) -> None:
        self.name, self.home = name, home

    def from_config(self, config: dict[str, Any]) -> Any:
        cls = getattr(importlib.import_module(self.home), self.name)
        return cls.from_config(config)


def _register(keras: Any) -> None:
    known = keras.saving.get_custom_objects()
    models = {name: home for name, home in _HOMES.items() if "GAN" in name}
    for name, home in (models | _STORED).items():
        known.setdefault(f"gan>{name}", _Stored(name, home))


# After `import keras`, `keras.models.load_model` must know the classes of `gan`.
wrapt.when_imported("keras")(_register)
