"""RMT: reinforcement mid-training with a budget of thoughts that shrinks, easy places first, and next-token prediction beside it.

World: places in texts of four levels; at level n the token that follows, one of three, is known in nine cases of ten after n thoughts or
more, and not at all after fewer. A completion thinks, at most three times, then says a token and ends. Whether to think on is shared by the
places of a level, and by how much what is known counts by all; what follows is, besides, a place's own and can be learned by heart. Texts
are also read plainly, in which nobody thinks. At the start a policy thinks on in three cases of four, whatever the level. Of 48 places a
third is practised, a third is read as texts and no more, and a third is held out; a seed is another world.

Claimed is the half of the paper's claim that this world can show: as right with fewer thoughts. That RMT is right more often cannot be
shown, since with a rate of its own every arm comes to be right in 0.99 of the places; fewer updates and completions were tried and did not
change that.

Before, plain texts were the same contexts in which it may be thought, so that next-token prediction taught not to think, and they were of
the practised places, which then were known by heart without a thought (0.74 where RPT got 0.88); the paper asks for thoughts in a prompt of
their own, and predicts all tokens of its texts.

Arms, 20 updates of GRPO on 8 places with 8 completions each, 1 for the token that follows:

* "RPT": places drawn epoch by epoch, nothing said of length;
* "fixed budget": beside it a bonus that is largest at 3.6 steps, which is what RMT's budget is on average;
* "RMT": the budget shrinks from 5 steps to 2.5, places are drawn from easy to hard, and the likelihood of the token in plain texts, at 8
  places that are not practised, is added with a weight of 0.1.

Advantages are not divided by the group's deviation: by that a bonus, however small, counted in full wherever all completions were right,
and either budget cost 0.15 of accuracy whatever its weight.

Tuned, by accuracy: the learning rate, of nine, or the rate and the bonus, three by three. Measured, exactly, on held-out places: accuracy
and the mean number of thoughts. The smallest difference of interest: 0.02 of accuracy, a tenth of a thought.

Source: Tian et al. 2025, arXiv 2509.24375, its abstract and a summary (RPT as the baseline; the budget's formula; a triangle; from easy to
hard by entropy; two losses). Chosen here: world, sizes, numbers, effects; there models of 14 B on OmniMATH, of whose tokens the hard ones
are practised.
"""

import copy
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import torch
from torch import Tensor, nn

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.data.selection.easy_to_hard import EasyToHard
from guerdon.feedback.shaping.near_length import NearLength
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Example, Side
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.exponential import Exponential
from guerdon.training.streams import Stream
from guerdon.worlds.finite.enumerable import EnumerableWorld

system = System(
    title="Reinforcement Mid-Training",
    link="https://arxiv.org/abs/2509.24375",
    kind="method",
    builds_on=("grpo", "near-length", "exponential", "easy-to-hard", "negative-log-likelihood"),
    read="summary",
    waits_for="texts in which RPT, with a rate of its own, leaves accuracy to be gained",
    note=(
        "Accuracy is the same for all three; RMT thinks 0.28 thoughts longer than RPT at it, and no less than a fixed budget, "
        "so that nothing is saved here."
    ),
)
UPDATES, TOGETHER, LEVELS, TOKENS = 20, 8, 4, 3
THINK, END = 0, TOKENS + 1  # what follows is 1 .. TOKENS
STATES = LEVELS + 1  # so many thoughts, and: the token has been said


def rpt(learning_rate: float, bonus: float = 0.0) -> Recipe:
    shaping = (NearLength(3.6, bonus, width=3.0),) if bonus else ()
    return Recipe((Term(Clip(0.2), reduce=SequenceMean()),), AdamW(learning_rate), Group(8), shaping=shaping, advantage=GroupCentred(None))


def rmt(learning_rate: float, bonus: float) -> Recipe:
    plain = rpt(learning_rate)
    return replace(
        plain,
        terms=(*plain.terms, Term(NegativeLogLikelihood(), weight=0.1, data="texts")),
        shaping=(NearLength(Exponential(5.0, 0.5, least=2.5), bonus, width=3.0),),
        weighing=EasyToHard(),
    )


ARMS = {"RPT": rpt, "fixed budget": rpt, "RMT": rmt}
recipe = {"RPT": rpt(0.1), "fixed budget": rpt(0.1, 0.03), "RMT": rmt(0.1, 0.03)}
_two = {"learning_rate": (0.1, 0.3, 0.9), "bonus": (0.01, 0.03, 0.1)}
GRID = {
    "RPT": {"learning_rate": (0.03, 0.06, 0.1, 0.2, 0.3, 0.6, 1.0, 2.0, 3.0)},
    "fixed budget": _two,
    "RMT": _two,
}
TUNED_BY = "accuracy"
claim = AllOf(
    *(
        leaf
        for other in ("RPT", "fixed budget")
        for leaf in (
            NoWorseThan("RMT", other, on="accuracy", margin=0.02, matched="samples, updates"),
            BetterThan("RMT", other, on="thoughts", effect=0.1, lower_is_better=True, matched="samples, updates"),
        )
    )
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}


@dataclass(frozen=True)
class Places(EnumerableWorld):
    places: int = 48
    seed: int = 0

    @property
    def contexts(self) -> int:
        """The places, and the same read as plain texts, in which nobody thinks."""
        return 2 * self.places

    @property
    def tree(self) -> PrefixTree:
        return PrefixTree(TOKENS + 2, LEVELS + 1, END)

    @property
    def level(self) -> Tensor:
        """[C]"""
        return torch.arange(self.contexts) % LEVELS

    @cached_property
    def token(self) -> Tensor:
        """[C], what follows, as the action that it is."""
        return (1 + torch.randint(0, TOKENS, (self.places,), generator=generator(self.seed, "tokens"))).repeat(2)

    def rewards(self) -> Tensor:
        actions = self.tree.actions
        said = (actions != THINK) & self.tree.mask
        first = actions.gather(1, said.long().argmax(-1, keepdim=True)).squeeze(-1)
        return (said.any(-1) & (first == self.token.unsqueeze(-1))).double()

    def train(self) -> list[dict]:
        """The practised places."""
        return [{"prompt": i, "level": int(self.level[i])} for i in range(self.places // 3)]

    def texts(self) -> list[Example]:
        """What follows the others that are read, in plain texts."""
        there = range(self.places // 3, 2 * self.places // 3)
        return [Example({"": Side((self.places + i,), (int(self.token[i]), END), (True, True))}) for i in there]


class Predicting(TablePolicy):
    """What is said next depends on how often it has been thought (the state): ``own`` [places, states, actions]; ``shared`` [levels,
    states], whether to think on; ``trust``, a number, by which what is known counts."""

    def __init__(self, world: Places) -> None:
        self.tree, self.level, self.places = world.tree, world.level, world.places
        actions, count = TOKENS + 2, torch.arange(STATES)
        own = 0.3 * torch.randn(world.places, STATES, actions, dtype=torch.float64, generator=generator(world.seed, "own"))
        own[..., THINK], own[..., END] = 0.0, 0.0
        known = (count >= world.level.unsqueeze(-1)) & (count < LEVELS)  # [C, states]
        self.known = torch.nn.functional.one_hot(world.token, actions).double().unsqueeze(1) * known.unsqueeze(-1)
        odds = torch.log(torch.tensor(0.9 / 0.1 * (TOKENS - 1), dtype=torch.float64))
        numbers = {"own": own, "shared": torch.full((LEVELS, STATES), 3.0).double().log(), "trust": odds}
        self.module = nn.ParameterDict({name: nn.Parameter(value.clone()) for name, value in numbers.items()})
        self.state = torch.tensor([_state(node) for node in range(self.tree.prefixes)])

    @property
    def logits(self) -> Tensor:
        own = self.module["own"].repeat(2, 1, 1) + self.module["trust"] * self.known
        tokens = own[..., 1:END].log_softmax(-1)  # the odds of thinking on are those of ``shared``, whatever is known
        thinks = self.module["shared"][self.level].clone()
        thinks = torch.where(self._may_think, thinks, -30.0)
        ends = torch.where(torch.arange(STATES) == LEVELS, 30.0, -30.0).double().expand_as(thinks)
        return torch.cat([thinks.unsqueeze(-1), tokens, ends.unsqueeze(-1)], -1)[:, self.state]

    @property
    def _may_think(self) -> Tensor:
        """[C, states]: three times, and not in plain texts."""
        plain = torch.arange(len(self.level)) >= self.places
        return ~plain.unsqueeze(-1) & (torch.arange(STATES) < LEVELS - 1)


def _state(node: int) -> int:
    """How many thoughts lead to a node, or ``LEVELS`` where a token has been said on the way, or too much thought."""
    thoughts = 0
    while node:
        node, action = divmod(node - 1, TOKENS + 2)
        if action != THINK:
            return LEVELS
        thoughts += 1
    return min(thoughts, LEVELS)


@lru_cache(maxsize=4)
def start(seed: int) -> tuple[Places, Predicting]:
    world = Places(seed=seed)
    return world, Predicting(world)


def trial(arm: str, seed: int, scale: str, learning_rate: float, **bonus: float) -> dict[str, float]:
    world, base = start(seed)
    policy, budget = copy.deepcopy(base), Budget(2 if scale == "smoke" else UPDATES, TOGETHER, seed=seed)
    streams = {"texts": Stream(world.texts(), TOGETHER, seed)} if arm == "RMT" else {}
    method = ARMS[arm](learning_rate, **bonus)
    improve(policy, FiniteScene(world), world.train(), method, budget, Decoding(LEVELS + 1), streams=streams)
    return measured(policy, world)


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    world, base = start(seed)
    return {"start": measured(base, world)} | {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}


@torch.no_grad()
def measured(policy: Predicting, world: Places) -> dict[str, float]:
    """Of held-out places, exactly."""
    thoughts = ((world.tree.actions == THINK) & world.tree.mask).sum(-1).double().expand(world.contexts, -1)
    here = slice(2 * world.places // 3, world.places)
    return {"accuracy": float(policy.expect(world.rewards())[here].mean()), "thoughts": float(policy.expect(thoughts)[here].mean())}
