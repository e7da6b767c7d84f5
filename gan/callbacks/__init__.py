"""Callbacks for `fit`: pictures, measures, progress and checkpoints.

No callback changes the run, because each draws from its own random stream. If the model
has an averaged generator (`ema`), samples come from it. A resumed run continues the
files of the earlier run, in whatever order the callbacks are given.
"""

from gan.callbacks.losses import Losses
from gan.callbacks.metrics import Metrics
from gan.callbacks.page import Page
from gan.callbacks.progress import Progress
from gan.callbacks.quality import Quality
from gan.callbacks.sample_grid import Animation, SampleGrid
from gan.training.checkpoint import Checkpoint

__all__ = ["Animation", "Checkpoint", "Losses", "Metrics", "Page", "Progress"]
__all__ += ["Quality", "SampleGrid"]
