"""Loss curves, on training examples and on held-out ones."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from gan import plots
from gan.callbacks.table import read_table, write_table
from gan.errors import StrPath, expect_positive_int, expect_seed, require, shown
from gan.plots.charts import LOSSES
from gan.support.files import clear_leftovers, expect_writable
from gan.training.aside import aside

Logs = dict[str, float] | None


class Losses(keras.callbacks.Callback):
    """Draws the loss curves as a PNG file, which is updated during training.

    How to read it: for a Wasserstein model, the first panel shows the critic's estimate
    of the distance between reals and fakes, which is minus its loss without the
    penalty. The estimate rises while the critic learns, then falls towards 0 as fakes
    get better; the generator's loss alone says nothing. If the estimate on training
    examples stays above that on held-out ones, and the gap grows, the critic has
    memorised the training examples: use more data or a smaller critic. For other
    models, the panel shows the discriminator's loss; after memorising, its loss on
    held-out examples is higher than that on training examples. To choose how the loss
    of your own class is drawn, set its `loss_panel = (title, sign)`; the sign −1 draws
    minus the loss.

    Without `held_out`, all panels show means over each epoch. With it, both curves of
    the first panel are computed at the end of the epoch, in inference mode, always on
    the same training examples and latents, because within an epoch the critic changes
    by more than the gap. The numbers are written to a .csv file beside the picture,
    from which a resumed run continues; `fit` from epoch 0 starts again.

    Args:
        path: str or `os.PathLike` that ends in .png.
        held_out: array of real examples in the form of `real_examples` (a pair, if
            those have labels) that are not in the training set; a thousand are enough.
            The discriminator's losses become the logs "training_loss" and
            "held_out_loss".
        every: int, epochs between pictures; a picture of the last epoch is always
            drawn.
        seed: int, seed of the latents and of the choice of training examples.

    Raises:
        InvalidInput: if an argument is invalid, or the file cannot be written.

    Reference:
        Gulrajani et al. 2017, Improved Training of Wasserstein GANs, figure 5.
    """

    def __init__(
        self, path: StrPath, held_out: Any = None, every: int = 1, seed: int = 0
    ) -> None:
        super().__init__()
        self._path = expect_writable(path)
        said = f"The argument path must end in .png, but it is {shown(str(path))}."
        require(self._path.suffix.lower() == ".png", said, "path")
        self._table = expect_writable(self._path.with_suffix(".csv"))
        expect_positive_int(every=every)
        expect_seed(seed=seed)
        batches = (str, tf.data.Dataset, keras.utils.PyDataset)
        said = (
            "The argument held_out must be an array, such as the first 1000 examples."
        )
        require(not isinstance(held_out, batches), said, "held_out")
        self._held_out, self._every, self._seed = held_out, every, seed
        self._rows: list[dict[str, float]] = []

    def on_train_begin(self, logs: Logs = None) -> None:
        """Read the earlier run's numbers; check the held-out examples."""
        for path in (self._path, self._table):
            clear_leftovers(path.parent, path.name)
        self._rows = read_table(self._table, "Losses")
        if self._held_out is not None:
            self._unseen = self.model.as_examples(self._held_out, 1, "held_out")
            self._unseen.pixel_range = self.model.examples.pixel_range
            # Raise errors now rather than after the first epoch.
            self._losses_now()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Remove the rows of epochs that will be repeated."""
        self._rows = [row for row in self._rows if row["epoch"] <= epoch]

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Record the epoch; draw a picture if one is due."""
        if self.model.diverged is not None:
            return
        if self._held_out is not None:
            logs.update(self._losses_now())
        names = [*self.model.log_names, "training_loss", "held_out_loss"]
        values = {name: float(logs[name]) for name in names if name in logs}
        self._rows.append({"epoch": epoch + 1, **values})
        write_table(self._table, self._rows)
        if (epoch + 1) % self._every == 0:
            self._draw()

    def on_train_end(self, logs: Logs = None) -> None:
        """Draw the last picture."""
        if self._rows:
            self._draw()

    def _losses_now(self):
        model, count = self.model, len(self._unseen)
        most = min(count, model.examples.at_hand)
        held_out = self._unseen.first(count).public()
        with aside(model, self._seed):
            fake = model.get_fake_sample(count, averaged=False)
            samples = fake, model.get_real_sample(most), held_out
            fake, training, held_out = (
                model.judge(*model.as_sample(one), training=False) for one in samples
            )
        # Some losses need as many reals as fakes.
        fewer = keras.tree.map_structure(lambda outputs: outputs[:most], fake)
        return {
            "training_loss": float(model.discriminator_loss(training, fewer)),
            "held_out_loss": float(model.discriminator_loss(held_out, fake)),
        }

    def _draw(self):
        title, sign = self.model.loss_panel
        curves = [(title, "training", "discr_loss")]
        if self._held_out is not None:
            curves = [(title, "training", "training_loss")]
            curves += [(title, "held out", "held_out_loss")]
        for name in self.model.log_names[1:]:
            label = LOSSES.get(name, {}).get("label", name)
            curves += [(label, "training", name)]
        panels = {}
        for panel, curve, name in curves:
            turn = sign if panel == title else 1
            points = [(r["epoch"], turn * r[name]) for r in self._rows if name in r]
            # The table of an earlier run may lack columns of this one.
            if points:
                panels.setdefault(panel, {})[curve] = tuple(zip(*points, strict=True))
        if panels:
            plots.save(plots.curves(panels), self._path)
