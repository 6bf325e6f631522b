"""Semi-offline RL: answers of the data with blanks that the policy fills, all in one pass, against answers of its own, which take a pass for every step.

World: 16 prompts, answers of four steps of three actions; what an answer is worth is a sum of what its steps are worth, N(0, 1), and of what each is worth behind the
one before it, N(0, 1). The data hold one answer to each prompt, drawn where it is worth more, with the weight exp(worth / 2). The policy's logits are those of a
prompt's step and of the action before it, summed, so that what is learned behind a blank carries over; both begin at N(0, 0.5), and behind a blank only the first
counts. A seed is another set of prompts.

Arms, 40 steps of all prompts, REINFORCE against the group's mean with the likelihood of the data beside it: "online", eight answers of its own to each prompt;
"semi-offline", the data's answer with blanks that are filled eight times; "all blank", every step blanked; "offline", the data's answer and no other, that is, its
likelihood alone.

Tuned: the learning rate, of "semi-offline" also the share of blanks, with as many settings for each, by worth at the end. Measured, by sums over all answers, before
training and after each eighth step: "worth", over that of a uniform policy, and "passes", how often the policy was asked for next steps to draw a prompt's answers: four
times for its own, once for those with blanks, never for the data's. Claimed: more worth than online at equal passes; at equal updates at most 0.1 less than online,
more than offline, and more than with all blanked. Effect: 0.1, of a worth whose deviation over answers is 2.6.

Source: arXiv 2306.09712, abstract, and its authors' code (``mask_policy_utils.py``, ``unirl.py``: blanks that are read as blanks, all filled from one pass, answers against
those to the same prompt, the likelihood beside it). There summaries and questions, models that were pretrained with blanks, and time. Chosen here, before an arm
was run: the world; the likelihood has a fifth of the weight, as rewards have five times that of it there.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor, nn

from guerdon.acting.samplers.group import Group
from guerdon.acting.samplers.infilled import Infilled
from guerdon.atlas import AheadAlong, AllOf, BetterThan, NoWorseThan, System
from guerdon.atlas._text import Along
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.surrogates.reinforce import Reinforce
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Example, Side
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.streams import Stream
from guerdon.worlds.finite.enumerable import EnumerableWorld

system = System(
    title="Semi-Offline Reinforcement Learning for Optimized Text Generation",
    link="https://arxiv.org/abs/2306.09712",
    kind="method",
    builds_on=("reinforce", "infilled", "group-centred"),
    read="code",
    note=(
        "For each pass through the model semi-offline learning is far ahead of drawing (1.05 of worth); after as many updates "
        "it ends 0.55 lower, which is what the paper's argument has it trade. Half of the answer left blank is the best share: "
        "all blank ends 0.7 lower."
    ),
)
PROMPTS, ACTIONS, STEPS, ANSWERS, STOPS = 16, 3, 4, 8, (8, 16, 24, 32, 40)
BLANK = ACTIONS  # an action that is read, and never taken
NEVER = -60.0


@dataclass(frozen=True)
class Worth(EnumerableWorld):
    contexts: int = PROMPTS
    seed: int = 0
    tree = PrefixTree(ACTIONS + 1, STEPS)

    def rewards(self) -> Tensor:
        rng, said = generator(self.seed, "worth"), self.tree.actions.clamp(max=ACTIONS - 1)
        own = torch.randn(self.contexts, STEPS, ACTIONS, dtype=torch.float64, generator=rng)
        behind = torch.randn(self.contexts, STEPS, ACTIONS, ACTIONS, dtype=torch.float64, generator=rng)
        steps = torch.arange(STEPS)
        found = own[:, steps, said].sum(-1) + behind[:, steps[1:], said[:, :-1], said[:, 1:]].sum(-1)
        return torch.where((self.tree.actions == BLANK).any(-1), 0.0, found)

    def shown(self) -> list[tuple[int, ...]]:
        """The data's answer to each prompt."""
        usual = (self.tree.actions != BLANK).all(-1)
        weight = torch.where(usual, (self.rewards() / 2).exp(), 0.0)
        drawn = torch.multinomial(weight, 1, generator=generator(self.seed, "data")).squeeze(-1)
        return [tuple(self.tree.actions[place].tolist()) for place in drawn.tolist()]

    def train(self) -> list[dict]:
        return [{"prompt": x, "completion": list(said)} for x, said in enumerate(self.shown())]


class Behind(TablePolicy):
    """Logits of a step and of the action before it; a blank is never taken, and behind it only the first count."""

    def __init__(self, tree: PrefixTree, own: Tensor, behind: Tensor) -> None:
        super().__init__(tree, torch.zeros(len(own), tree.prefixes, tree.vocabulary, dtype=torch.float64))
        self.module = nn.ParameterDict({"own": nn.Parameter(own), "behind": nn.Parameter(behind)})
        before = torch.full((tree.prefixes,), BLANK)
        step = torch.zeros(tree.prefixes, dtype=torch.long)
        for node in range(1, tree.prefixes):
            parent, before[node] = (node - 1) // tree.vocabulary, (node - 1) % tree.vocabulary
            step[node] = step[parent] + 1
        self.step, self.before = step, before

    @property
    def logits(self) -> Tensor:
        if "own" not in self.module:  # while it is being built
            return self.module["logits"]
        own, behind = self.module["own"], nn.functional.pad(self.module["behind"], (0, 0, 0, 1))  # none behind a blank
        return nn.functional.pad(own[:, self.step] + behind[:, self.step, self.before], (0, 1), value=NEVER)


def _of(sampler: object, weight: float = 1.0) -> Recipe:
    terms = (Term(Reinforce(), weight=weight), Term(NegativeLogLikelihood(), weight=0.2, data="shown"))
    return Recipe(terms, AdamW(0.1), sampler, advantage=GroupCentred(scale=None))


recipe = {
    "online": _of(Group(ANSWERS)),
    "offline": _of(Infilled(BLANK, ANSWERS, share=0.0)),
    "all blank": _of(Infilled(BLANK, ANSWERS, share=1.0)),
    "semi-offline": _of(Infilled(BLANK, ANSWERS)),
}
PASSES = {"online": STEPS, "offline": 0}
claim = AllOf(
    AheadAlong("semi-offline", "online", on="worth", along="passes", effect=0.1),
    NoWorseThan("semi-offline", "online", on="worth", at="last", margin=0.1, matched="rewards, updates"),
    BetterThan("semi-offline", "offline", on="worth", at="last", effect=0.1, matched="updates"),
    BetterThan("semi-offline", "all blank", on="worth", at="last", effect=0.1, matched="rewards, updates, passes"),
)
SEEDS = {"smoke": 1, "full": 12, "tune": 2}
_RATES = (0.01, 0.015, 0.025, 0.04, 0.06, 0.1, 0.15, 0.25, 0.4)
GRID = {arm: {"learning_rate": _RATES} for arm in recipe if arm != "semi-offline"} | {
    "semi-offline": {"learning_rate": (0.025, 0.06, 0.15), "share": (0.25, 0.5, 0.75)}
}
TUNED_BY = "worth at the end"


@lru_cache(maxsize=4)
def world_of(seed: int) -> Worth:
    return Worth(seed=seed)


def trial(arm: str, seed: int, scale: str, learning_rate: float, share: float | None = None) -> dict:
    world, stops = world_of(seed), (1, 2) if scale == "smoke" else STOPS
    rng, worth, rows = generator(seed, "beginning"), world.rewards(), world.train()
    own = 0.5 * torch.randn(PROMPTS, STEPS, ACTIONS, dtype=torch.float64, generator=rng)
    policy = Behind(world.tree, own, 0.5 * torch.randn(PROMPTS, STEPS, ACTIONS, ACTIONS, dtype=torch.float64, generator=rng))
    method = replace(recipe[arm], optimiser=AdamW(learning_rate))
    if share is not None:
        method = replace(method, sampler=replace(method.sampler, share=share))
    shown = Stream([Example({"": Side((row["prompt"],), tuple(row["completion"]), (True,) * STEPS)}) for row in rows], PROMPTS, seed)
    usual = float(worth[:, (world.tree.actions != BLANK).all(-1)].mean())
    along = Along(stops, lambda: {"worth": float(policy.expect(worth).detach().mean()) - usual})
    budget = Budget(stops[-1], batch_size=PROMPTS, seed=seed)
    improve(policy, FiniteScene(world), rows, method, budget, Decoding(STEPS), display=along, streams={"shown": shown})
    found = along.curves["worth"]
    return {"worth": found, "passes": {step: float(PASSES.get(arm, 1) * step) for step in found}, "worth at the end": found[stops[-1]]}
