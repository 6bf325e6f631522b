"""Comparing: rollouts in pairs, and a judge who says which of the two is better, as the losses read them."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from guerdon.parts import call, needs, stateful
from guerdon.processes import here
from guerdon.quantities import Name
from guerdon.sequences import Batch, Sequences
from guerdon.training.judging import Scene
from guerdon.training.recipe import Recipe
from guerdon.training.tally import Tally

COMPARED = frozenset({"margin", "preference", "tie"})  # what is known of a pair besides its sides


class Comparing:
    """Asks the recipe's judge about the pairs of its pairing.

    A verdict is the probability that the first is preferred, 1 or 0 where it was drawn, NaN where nothing was said. A judge is told of the two their rewards
    (``first``, ``second``), or, in a game, their log-odds and 0; and, for a judge that reads, ``prompt``, ``first_completion`` and
    ``second_completion``, lists as they are shown to rewards. A pair that is as good either way is left out unless a loss reads ``tie`` or
    ``preference``; ``margin``, the difference of the rewards, is there for losses that need it.
    """

    def __init__(self, scene: Scene, recipe: Recipe, names: set[Name]):
        self.scene = scene
        self.odds = getattr(scene, "odds", None) if recipe.judge is not None else None
        reads = {str(name) for name in names}
        self.keeps_ties = bool(reads & {"tie", "preference"})
        self.columns = {name for name in ("preference", "tie") if name in reads}
        # A loss that merely may read the margin is not given it: DPO would be another loss.
        if any("margin" in needs(term.loss) for term in recipe.terms):
            self.columns.add("margin")

    def __call__(
        self,
        rollouts: Sequences,
        measured: Mapping[str, Tensor],
        shown: Sequence[tuple[Any, Any]],
        recipe: Recipe,
        seed: int,
        state: dict[str, Any] | None,
        tally: Tally,
    ) -> tuple[Batch, dict[str, Any] | None]:
        """The pairs that were decided, chosen and rejected, and the judge's state. ``shown`` [i] is the prompt and completion with the number i, which is the
        quantity ``shown`` of the rollouts."""
        known = {**rollouts.quantities, **measured, "mask": rollouts.mask, "action": rollouts.actions}
        asked = call(recipe.pairing, known)
        taken = torch.where(rollouts.mask, rollouts.actions, -1)
        asked = asked[(taken[asked[:, 0]] != taken[asked[:, 1]]).any(-1)]  # the same answer twice is no question
        sides = [rollouts.select(asked[:, k]) for k in (0, 1)]
        apart = self._apart(sides, rollouts, asked)
        texts = [[shown[i] for i in rollouts.quantities["shown"][asked[:, k]].long().tolist()] for k in (0, 1)]
        known = {"first": apart, "second": torch.zeros_like(apart), "prompt": [prompt for prompt, _ in texts[0]]}
        known |= {f"{name}_completion": [said for _, said in side] for name, side in zip(("first", "second"), texts, strict=True)}
        verdict, state = here().from_first(lambda: self._ask(recipe, known, seed, state))
        said = ~verdict.isnan() & (self.keeps_ties | (verdict != 0.5))
        tally.add_sum("pairs/asked", len(asked), 1)
        tally.add("pairs/decided", said.double())
        # against what is known of the two: the reward, or the odds
        sure = said & (apart != 0) & (verdict != 0.5)
        tally.add("pairs/agreement", ((verdict > 0.5) == (apart > 0)).double()[sure])
        tally.add("pairs/ties", (verdict == 0.5).double()[~verdict.isnan()])
        return self._batch(rollouts, asked[said], verdict[said], apart[said]), state

    def _apart(self, sides: list[Sequences], rollouts: Sequences, asked: Tensor) -> Tensor:
        """[N], by how much the first is better: a difference of rewards, or log-odds."""
        if not len(asked):
            return torch.zeros(0, dtype=torch.float64)
        if self.odds is not None:  # what a judge goes by in a game; without one its reward counts, the share of wins
            return self.odds(*sides)
        reward = rollouts.quantities["reward"]
        return reward[asked[:, 0]] - reward[asked[:, 1]]

    @staticmethod
    def _ask(recipe: Recipe, known: dict[str, Any], seed: int, state: dict[str, Any] | None) -> tuple[Tensor, dict[str, Any] | None]:
        if recipe.judge is None:
            return torch.heaviside(known["first"], torch.full_like(known["first"], 0.5)), state
        known = {**known, "seed": seed}
        if stateful(recipe.judge):
            return call(recipe.judge, known, state=state)
        return call(recipe.judge, known), state

    def _batch(self, rollouts: Sequences, asked: Tensor, verdict: Tensor, apart: Tensor) -> Batch:
        first_won = (verdict >= 0.5).unsqueeze(-1)
        ordered = torch.where(first_won, asked, asked.flip(-1))
        columns = {
            "preference": torch.maximum(verdict, 1 - verdict),
            "tie": (verdict == 0.5).double(),
            "margin": torch.where(first_won.squeeze(-1), apart, -apart),
        }
        sides = {name: rollouts.select(ordered[:, k]) for k, name in enumerate(("chosen", "rejected"))}
        return Batch(sides, {name: columns[name] for name in self.columns})
