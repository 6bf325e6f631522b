"""Targets in a world in which the recipe acts: ``improve`` makes one plain step on every outcome that its draws, and its judge's verdicts, can have.

Answers are sequences of two actions that stop at the last one, after two steps at the latest: three of them, of one, two and two steps, to one context. The
policy and each view are tables with logits from N(0, 1).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.models.finite.prefix_value import TableCritic
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Sequences
from guerdon.targets.dealing import Dealt, Deck, Verdicts
from guerdon.targets.plain import flat, gradient_of, plainly
from guerdon.targets.seen import Said, answers
from guerdon.training.judging import FiniteScene, Judged
from guerdon.training.recipe import Budget, Recipe
from guerdon.worlds.finite.enumerable import EnumerableWorld
from guerdon.worlds.finite.preference import PreferenceGame

VOCABULARY, DEPTH, END = 2, 2, 1
TREE, WORDS = PrefixTree(VOCABULARY, DEPTH, END), answers(VOCABULARY, DEPTH, END)
REWARDS = (0.75, -0.5, 1.25)
WINS = ((0.5, 0.8, 0.3), (0.2, 0.5, 0.65), (0.7, 0.35, 0.5))  # a cycle: 0 beats 1, 1 beats 2, 2 beats 0


@dataclass(frozen=True)
class Bandit(EnumerableWorld):
    """Three answers with rewards."""

    given: tuple[float, ...] = REWARDS

    contexts = 1
    tree = TREE

    def rewards(self) -> Tensor:
        return torch.tensor([self.given], dtype=torch.float64)


@dataclass(frozen=True)
class Game(PreferenceGame):
    """Three answers of which each beats another."""

    contexts = 1
    actions = len(WORDS)
    tree = TREE

    def preference(self) -> Tensor:
        return torch.tensor([WINS], dtype=torch.float64)


class TwoRewards(FiniteScene):
    """A bandit in which answers have a second reward."""

    def __init__(self, world: Bandit, second: Bandit):
        super().__init__(world)
        self.second = second

    def judge(self, rollouts: Sequences, rows: Sequence[Mapping[str, Any]], seed: int) -> Judged:
        found = super().judge(rollouts, rows, seed)
        components = {**found.scored.components, "second": self.second.reward_of(rollouts, seed)}
        return replace(found, scored=replace(found.scored, components=components))


@dataclass(frozen=True)
class World:
    """What objectives are told.

    Attributes:
        said: the policy on all answers [S]; ``said.under("old")`` is who acted, ``under("ref")`` the reference.
        reward: [S]; ``further``, a second one.
        prefer: [S, S], the probability that the row's answer is preferred to the column's.
        value: [P], the critic's value of each prefix, with gradients, and ``old_value``, what it said when the policy acted.
    """

    said: Said
    reward: Tensor
    prefer: Tensor
    value: Tensor
    old_value: Tensor
    further: Tensor

    def draws(self, *drawers: Tensor) -> tuple[Tensor, Tensor]:
        """Every outcome of draws from these policies, [S] each: which answers, [K, draws], and how likely [K]. No gradient goes through who draws."""
        which = torch.cartesian_prod(*[torch.arange(len(WORDS))] * len(drawers)).view(-1, len(drawers))
        chance = torch.stack([policy.detach()[which[:, k]] for k, policy in enumerate(drawers)]).prod(0)
        return which, chance

    def nodes(self) -> Tensor:
        """[S, T], the prefix before each step, 0 beyond the end."""
        return torch.tensor([[0, 0], [0, 1], [0, 1]])


@dataclass(frozen=True)
class Acts:
    """Where a recipe acts.

    Attributes:
        group: answers to a prompt in the place of the recipe's own number, where its sampler is a group; None: its own.
        each: answers of each of the sampler's actors in the place of the recipe's own number; None: its own.
        prompts: of a step; all are the one context.
        game: answers are compared and have no rewards.
        judged: a judge says who is preferred, with the game's probabilities or, by Bradley and Terry, those of the rewards.
        away: the policy is no longer the one that acted.
        rewards: of the answers; ``further``: a second reward, beside the first.
        refills: in the place of the recipe's.
        views: besides ``ref``.
        given: what the data's rows hold besides the prompt: names and the numbers of answers.
        critic: the recipe has one, and its table is learned along.
        learning: those of the views that the recipe trains along, as policies of their own.
    """

    group: int | None = 3
    each: int | None = None
    prompts: int = 1
    game: bool = False
    judged: bool = False
    away: bool = False
    rewards: tuple[float, ...] = REWARDS
    further: tuple[float, ...] = ()
    refills: int = 0
    views: tuple[str, ...] = ()
    given: tuple[tuple[str, int], ...] = ()
    critic: bool = False
    learning: tuple[str, ...] = ()

    @cached_property
    def tables(self) -> dict[str, Tensor]:
        names = ("", "ref", *self.views)
        return {
            view: torch.randn(1, TREE.prefixes, VOCABULARY, dtype=torch.float64, generator=generator(0, "targets", view)) for view in names
        }

    @property
    def trained(self) -> Tensor:
        """The policy's table. Where it has moved, steps are 1.25, 0.96, 1.4 and 0.73 times as likely as for who acted: on either side of every bound that recipes have."""
        if not self.away:
            return self.tables[""]
        steps = self.tables[""].softmax(-1)
        second = steps[..., 1] * torch.tensor([1.25, 1.4, 1.0], dtype=torch.float64)
        return torch.stack([1 - second, second], -1).log()

    def _values(self) -> tuple[Tensor, Tensor]:
        """[P], the critic's table now and when it acted: the same."""
        value = torch.randn(TREE.prefixes, dtype=torch.float64, generator=generator(0, "targets", "value"))
        return value.clone(), value

    def gradient(self, recipe: Recipe) -> Tensor:
        expected, total = torch.zeros(()), 0.0
        for deck in Deck():
            found = self._step(self._here(plainly(recipe), deck), deck)
            expected, total = expected + deck.chance * found, total + deck.chance
        assert abs(total - 1) < 1e-9, "the outcomes are not all of them"
        return expected

    def _here(self, recipe: Recipe, deck: Deck) -> Recipe:
        if self.group is not None and isinstance(recipe.sampler, Group):
            recipe = replace(recipe, sampler=replace(recipe.sampler, num_generations=self.group))
        if self.each is not None:
            recipe = replace(recipe, sampler=replace(recipe.sampler, num_generations=self.each))
        return replace(recipe, refills=self.refills, judge=Verdicts(deck) if self.judged else recipe.judge)

    def _step(self, recipe: Recipe, deck: Deck) -> Tensor:
        from guerdon.training.loops.improve import improve  # which knows transformers: a recipe is imported without

        policy = Dealt(TREE, self.trained, deck, self.tables[""] if self.away else None)
        models = {view: Dealt(TREE, self.tables[view], deck).reference() for view in ("ref", *self.views)}
        trained = {view: Dealt(TREE, self.tables[view], deck) for view in self.learning}
        critics = {name: TableCritic(TREE, 1) for name in recipe.learners if name not in trained}
        for critic in critics.values():
            critic.values.data.copy_(self._values()[0])
        models |= trained
        learned = [p for model in (policy, *trained.values(), *critics.values()) for p in model.module.parameters()]
        before = flat(learned)
        row = {"prompt": 0, **{name: list(WORDS[answer]) for name, answer in self.given}}
        budget = Budget(steps=1, batch_size=self.prompts)
        improve(policy, self._scene(), [row] * self.prompts, recipe, budget, Decoding(DEPTH), learners={**models, **critics})
        return before - flat(learned)

    def _scene(self) -> FiniteScene:
        return (
            TwoRewards(Bandit(self.rewards), Bandit(self.further))
            if self.further
            else FiniteScene(Game() if self.game else Bandit(self.rewards))
        )

    def exact(self, objective: Callable[[World], Tensor]) -> Tensor:
        trained = {view: self.tables[view].clone().requires_grad_() for view in self.learning}
        tables: Mapping[str, Tensor] = {**self.tables, "old": self.tables[""], "": self.trained.clone().requires_grad_(), **trained}
        said = Said(tables, WORDS, torch.zeros(len(WORDS), dtype=torch.long), torch.arange(len(WORDS)))
        reward = torch.tensor(self.rewards, dtype=torch.float64)
        prefer = torch.tensor(WINS, dtype=torch.float64) if self.game else torch.sigmoid(reward.unsqueeze(-1) - reward)
        value, old = self._values()
        value.requires_grad_()
        world = World(said, reward, prefer, value, old, torch.tensor(self.further, dtype=torch.float64))
        return gradient_of(objective(world), [tables[""], *trained.values(), *([value] if self.critic else [])])
