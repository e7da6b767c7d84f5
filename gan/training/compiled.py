"""A model of two networks, each with an optimizer of its own."""

from __future__ import annotations

import functools
from typing import Any

import keras

from gan.errors import expect_choice, expect_number, expect_positive_int, require
from gan.training.adam import Adam
from gan.training.player import Optimizers, Player, brought, expect_optimizers


class TwoOptimizers(keras.Model):
    """The part of a model that holds its two optimizers, and `compile`.

    A subclass has `generator` and `discriminator`, `beta_1` and `beta_2`.
    """

    generator: keras.Model
    discriminator: keras.Model
    beta_1: Any
    beta_2: Any
    _generator_player: Player
    _discriminator_player: Player

    def _make_players(self, learning_rate, generator_loss, discriminator_loss, given):
        """Make both players; `given` are their optimizers, or `None` for Adam."""
        adam = functools.partial(Adam, learning_rate, self.beta_1, self.beta_2)
        networks = {"generator": self.generator, "discriminator": self.discriminator}
        losses = (generator_loss, discriminator_loss)
        players = [
            Player(role, network, loss, optimizer or adam(), brought(network))
            for (role, network), loss, optimizer in zip(
                networks.items(), losses, given, strict=True
            )
        ]
        self._generator_player, self._discriminator_player = players
        for player in players:
            player.attach()

    def compile(
        self,
        optimizer: str | dict[str, Any] | None = None,
        *more: Any,
        d_optimizer: keras.optimizers.Optimizer | str | None = None,
        g_optimizer: keras.optimizers.Optimizer | str | None = None,
        run_eagerly: bool = False,
        jit_compile: bool = False,
        steps_per_execution: int | str = "auto",
        **others: Any,
    ) -> None:
        """Say how `fit` runs; need not be called. Losses are the class's business.

        Args:
            optimizer: a name as Keras knows it, such as "adam", of which each network
                gets one of its own; `None` keeps those there are.
            d_optimizer: `keras.optimizers.Optimizer` or a name, the discriminator's.
            g_optimizer: the same for the generator.
            run_eagerly: bool, run `train_step` as plain Python, for debugging.
            jit_compile: bool, compile each step with XLA, which takes seconds; with
                convolutions on a CPU it is then several times slower. XLA draws
                other floats of a seed, so that it is another run. Keras's "auto" is
                taken for `True`.
            steps_per_execution: int, steps in one graph call, which is how often
                batch callbacks and the progress bar hear of them; or "auto": as
                many as take about a tenth of a second. The trained weights do not
                depend on it.
            *more: refused, as Keras's examples give `compile(d_optimizer, g_optimizer,
                loss)`: which is which must be said.
            **others: any other argument of Keras's `compile`, which is refused.
        """
        single = isinstance(optimizer, keras.optimizers.Optimizer)
        require(
            not (single or more or others),
            "The method compile takes the optimizers by name, compile(d_optimizer=…, "
            f"g_optimizer=…), and no {', '.join(others) or 'other arguments'}. Losses "
            "belong to the class; for metrics use callbacks.Metrics.",
            next(iter(others), "optimizer"),
        )
        if steps_per_execution != "auto":
            expect_positive_int(steps_per_execution=steps_per_execution)
        expect_choice((True, False), run_eagerly=run_eagerly)
        expect_choice((True, False, "auto"), jit_compile=jit_compile)
        strategy, players = self.distribute_strategy, self.players()
        require(
            strategy.num_replicas_in_sync == 1 or not jit_compile,
            "The argument jit_compile must be False with several replicas.",
            "jit_compile",
        )
        with strategy.scope():
            found = {
                "g_optimizer": keras.optimizers.get(g_optimizer or optimizer),
                "d_optimizer": keras.optimizers.get(d_optimizer or optimizer),
            }
        pairs = zip(found.items(), players, strict=True)
        expect_optimizers(**{k: (one, player.network) for (k, one), player in pairs})
        super().compile(
            optimizer=None, run_eagerly=run_eagerly, jit_compile=jit_compile
        )
        for player, one in zip(players, found.values(), strict=True):
            if one is not None:
                player.take(one)
        self._compile_options = {
            "run_eagerly": run_eagerly,
            "jit_compile": jit_compile,
            "steps_per_execution": steps_per_execution,
        }

    @property
    def optimizer(self) -> Optimizers:
        """Both networks' optimizers as one, as Keras's callbacks read them."""
        return Optimizers(*(player.current() for player in self.players()))

    @optimizer.setter
    def optimizer(self, value: None) -> None:
        require(
            value is None,
            "The attribute optimizer cannot be set, because each network has its own: "
            "compile(d_optimizer=…, g_optimizer=…).",
            "optimizer",
        )

    def get_compile_config(self) -> dict[str, Any]:
        """What `compile` was called with."""
        return dict(self._compile_options)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile a loaded model as the saved one was."""
        self.compile(**config)

    @property
    def learning_rate(self) -> float:
        """Learning rate that both optimizers were made with, or last set to."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        expect_number(0, learning_rate=value)
        if hasattr(self, "_discriminator_player"):
            self.optimizer.learning_rate = value
        self._learning_rate = float(value)

    @property
    def g_optimizer(self) -> keras.optimizers.Optimizer:
        """The generator's optimizer; `compile(g_optimizer=)` sets another one."""
        return self._generator_player.current()

    @property
    def d_optimizer(self) -> keras.optimizers.Optimizer:
        """The discriminator's; `compile(d_optimizer=)` sets another one."""
        return self._discriminator_player.current()

    def __dir__(self) -> list[str]:
        # Keras's files find the optimizers within the networks; it looks through this.
        names = {"g_optimizer", "d_optimizer"}
        return [name for name in super().__dir__() if name not in names]

    def players(self) -> tuple[Player, Player]:
        """The generator's and the discriminator's side of the game."""
        return self._generator_player, self._discriminator_player

    def reattach(self) -> None:
        """Make the networks' `loss` and `optimizer` this model's own again."""
        for name, player in zip(
            ("generator", "discriminator"), self.players(), strict=True
        ):
            require(
                player.network is getattr(self, name),
                f"The {name} cannot be replaced: make a new model of the other one.",
                name,
            )
            player.reattach()

    def finalize_optimizers(self) -> None:
        """Put the averages of optimizers made with `use_ema=True` into the weights."""
        for player in self.players():
            player.optimizer.finalize_variable_values(player.weights)
