"""The two optimizers of a model, and `compile`."""

from __future__ import annotations

import functools
from typing import Any

import keras

from gan.errors import expect_choice, expect_number, expect_positive_int, require
from gan.training.adam import Adam
from gan.training.player import Optimizers, Player, brought, expect_optimizers


class TwoOptimizers(keras.Model):
    """The part of a model that holds its two optimizers.

    A subclass must have `generator`, `discriminator`, `beta_1` and `beta_2`.
    """

    generator: keras.Model
    discriminator: keras.Model
    beta_1: Any
    beta_2: Any
    _generator_player: Player
    _discriminator_player: Player

    def _make_players(self, learning_rate, generator_loss, discriminator_loss, given):
        """Make both players; `given` is a pair of optimizers, or `None` for Adam."""
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
        """Sets optimizers and how `fit` runs. Calling it is optional.

        The losses are methods of the class and are not given here.

        Args:
            optimizer: str, a Keras name such as "adam", from which each network gets
                its own optimizer; `None` keeps the present optimizers.
            d_optimizer: `keras.optimizers.Optimizer` or a name, for the discriminator.
            g_optimizer: `keras.optimizers.Optimizer` or a name, for the generator.
            run_eagerly: bool, whether to run `train_step` as plain Python, for
                debugging.
            jit_compile: bool, whether to compile each step with XLA. Compiling takes
                seconds; networks with convolutions are then several times slower on a
                CPU. XLA draws other random numbers from a seed. Keras's "auto" means
                `True`.
            steps_per_execution: int, number of steps in one graph call, after which
                batch callbacks and the progress bar are updated; or "auto", as many as
                take about a tenth of a second. The trained weights do not depend on it.
            *more: refused, because Keras's examples have `compile(d_optimizer,
                g_optimizer, loss)`: give optimizers by name.
            **others: refused; other arguments of Keras's `compile` do not apply.
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
        """Both optimizers as one object, for callbacks of Keras."""
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
        """The arguments with which `compile` was called."""
        return dict(self._compile_options)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile a loaded model like the saved one."""
        self.compile(**config)

    @property
    def learning_rate(self) -> float:
        """Learning rate of both optimizers, from the constructor or as set later."""
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
        """The discriminator's optimizer; `compile(d_optimizer=)` sets another one."""
        return self._discriminator_player.current()

    def __dir__(self) -> list[str]:
        # Keras's saving uses dir() and must find the optimizers only in the networks.
        names = {"g_optimizer", "d_optimizer"}
        return [name for name in super().__dir__() if name not in names]

    def players(self) -> tuple[Player, Player]:
        """The players: generator and discriminator with their losses and optimizers."""
        return self._generator_player, self._discriminator_player

    def reattach(self) -> None:
        """Set the networks' `loss` and `optimizer` to those of this model again."""
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
        """Replace weights by the averages of optimizers with `use_ema=True`."""
        for player in self.players():
            player.optimizer.finalize_variable_values(player.weights)
