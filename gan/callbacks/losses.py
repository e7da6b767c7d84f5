"""The curves of the losses, on training examples and on held-out ones."""

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
    """The curves of the losses, a PNG that is drawn anew while training goes on.

    How to read it: for a Wasserstein model the first panel is the critic's estimate
    of the distance between reals and fakes, minus its loss without the penalty. It
    rises while the critic learns, then falls towards 0 as fakes get better; the
    generator's loss alone says nothing. Where the estimate on training reals stays
    above that on held-out ones, and the gap grows, the critic has learnt the training
    reals by heart: it needs more data or a smaller critic. For other models the panel
    is the discriminator's loss: there the loss on held-out reals rises above the one on
    training reals. `loss_panel = (title, sign)` of a class of your own says how to draw
    its loss; the sign −1 draws minus the loss.

    Without `held_out` the first panel is the mean over each epoch, as all others are.
    With it, both curves are taken at the epoch's end, in inference mode, on the same
    training examples and latents each time, because within an epoch the critic changes
    by more than the gap to be seen. The numbers stand beside the picture in a .csv,
    from which a resumed run goes on; `fit` from epoch 0 starts anew.

    Args:
        path: str or `os.PathLike` that ends in .png.
        held_out: array of real examples, of the form of the model's own (with labels,
            where those have them), that are not trained on; a thousand are enough.
            The discriminator's losses become the logs "training_loss" and
            "held_out_loss".
        every: int, epochs between pictures; the last epoch has one always.
        seed: int, of the latents and training examples beside the held-out ones.

    Raises:
        InvalidInput: if an argument is not of that form or nothing can be written
            there.

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
        """Read what the run before left; check that the held-out examples fit."""
        for path in (self._path, self._table):
            clear_leftovers(path.parent, path.name)
        self._rows = read_table(self._table, "Losses")
        if self._held_out is not None:
            self._unseen = self.model.as_examples(self._held_out, 1, "held_out")
            self._unseen.pixel_range = self.model.examples.pixel_range
            # Refuse now what could not be measured after the first epoch.
            self._losses_now()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Drop the rows of epochs that will be repeated."""
        self._rows = [row for row in self._rows if row["epoch"] <= epoch]

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Note the epoch; draw where a picture is due."""
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
        """Draw the end."""
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
        # Some losses pair reals with fakes.
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
            # A table of an earlier run may lack what this one notes.
            if points:
                panels.setdefault(panel, {})[curve] = tuple(zip(*points, strict=True))
        if panels:
            plots.save(plots.curves(panels), self._path)
