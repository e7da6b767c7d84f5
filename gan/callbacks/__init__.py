"""What happens beside training while `fit` runs: pictures, measures, checkpoints.

No callback here disturbs the run: what it draws comes from a stream of its own. Samples
are those of the averaged generator where the model has one (`ema`). A resumed run goes
on with the files of the run before, whatever the order of the callbacks.
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
