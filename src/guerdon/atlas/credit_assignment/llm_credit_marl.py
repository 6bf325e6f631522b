"""LCA: somebody ranks states from each agent's point of view, and a potential that is fitted to the ranks pays each agent for its own progress.

World: two agents on corridors of four cells, who move at once for five rounds (back, stay, forward). The first starts at one end and can stand on a switch two cells away; the
second has a door before it, which it passes only while the switch is held. The team earns 1 if the second stands at the far end when all is over, else 0: 13 of 1,000 random
episodes. Policies and critic are tables by round, both places and whose turn it is (``models.finite.tied_table``: the second does not see what the first does in the same round),
with logits from N(0, 0.5). A seed is another policy and ranker.

The ranker stands for a language model. Asked which of two joint states is better for an agent, it compares how near it is to where it has to be (the switch; the far end), and says
the other of three in ten answers, tosses aside where both are as near. Each of the 120 pairs of the 16 states is asked 4 times for each agent; Bradley-Terry scores are fitted
(ridge 0.1) and divided by their deviation.

Arms, all PPO with a shared critic (GAE, 16 episodes a batch, two epochs of two steps, 40 batches), each agent credited on its own steps (``each_agent``). With
64 episodes a batch, tried first, the reward was not rare: the team reward alone was at 0.84 after 10 batches (seed 0).

* "team reward": nothing besides (learning rates: six);
* "own potentials": each step is paid the weighted difference of its agent's potential (``potential_shaped``), of the last state too, as in the paper;
* "team potential": the same with one potential for both, fitted to as many answers of how near both are together: a rival that knows as much and does not tell agents apart;
* "own ranks": the score of the state that is reached, as a reward, and no difference.

Learning rate and weight are tuned by the success after 10 batches, six settings for each arm, on six seeds (on two the choice was luck: a setting found everything on the one
and nothing on the other). Measured: "success", exact, after 10, 20 and 40 batches; "lost by errors": by how
much it is lower after 10 batches with that ranker than with one that never errs (at the end all arms have learned the task). That ranks help at all where the reward is so rare
is by construction.

The smallest difference of interest: 0.05 of a success rate.

Source: Lin et al. 2025, arXiv 2502.03723, of which the abstract and summaries were read. There: grid worlds with two or three agents and pistonball, MAPPO-like training,
rankings by language models from prompts that say how agents depend on one another. Chosen here: the world, the rates of errors, what the ranker goes by.
"""

from collections.abc import Set
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, Knob, System
from guerdon.atlas._text import Along
from guerdon.credit.advantages.batch_normalised import BatchNormalised
from guerdon.credit.advantages.each_agent import EachAgent
from guerdon.credit.advantages.gae import GAE
from guerdon.credit.advantages.potential_shaped import PotentialShaped
from guerdon.credit.targets.lambda_return import LambdaReturn
from guerdon.exact.estimators.maximum_likelihood import MaximumLikelihood
from guerdon.exact.likelihoods.bradley_terry import BradleyTerry
from guerdon.losses.penalties.judged_steps import JudgedSteps
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.values.clipped_regression import ClippedRegression
from guerdon.models.finite.prefix_value import TableCritic
from guerdon.models.finite.tied_table import TiedPolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import derive, generator
from guerdon.sequences import Decoding, Sequences
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Learning, Recipe, Term
from guerdon.worlds.finite.enumerable import EnumerableWorld

system = System(
    title="Speaking the Language of Teamwork: LLM-Guided Credit Assignment in Multi-Agent Reinforcement Learning",
    link="https://arxiv.org/abs/2502.03723",
    kind="method",
    builds_on=("ppo", "potential-shaped", "each-agent", "bradley-terry"),
    read="abstract",
    waits_for="a control world with several agents, and a language model that ranks its states",
    note=(
        "Tuned on two seeds, potentials were behind the ranks themselves by 0.33; tuned on six, they are 0.08 ahead, and "
        "nothing is decided. Seeds differ by whether the rare reward is hit upon, which credit changes less than luck does."
    ),
)


@dataclass(frozen=True)
class InTurn(Group):
    """Says whose steps are whose."""

    records: ClassVar[frozenset[str]] = frozenset({"agent"})

    def __call__(self, *asked: Any, **more: Any) -> Sequences:
        found = super().__call__(*asked, **more)
        found.quantities["agent"] = (torch.arange(found.actions.shape[1]) % AGENTS).expand(found.actions.shape).clone()
        return found


CELLS, SWITCH, ROUNDS, AGENTS = 4, 2, 5, 2
STATES, ERRS, ASKED, EPISODES = CELLS**2, 0.3, 4, 16
_own = EachAgent(PotentialShaped(GAE()))
_plain = Recipe(
    (Term(Clip(0.2)),),
    AdamW(0.1),
    InTurn(EPISODES),
    advantage=BatchNormalised(EachAgent(GAE())),
    target=EachAgent(LambdaReturn()),
    epochs=2,
    minibatches=2,
    learners={"critic": Learning((Term(ClippedRegression()),), optimiser=AdamW(0.3))},
)
_shaped = replace(_plain, advantage=BatchNormalised(_own), target=EachAgent(LambdaReturn(PotentialShaped(GAE()))))
recipe = {
    "team reward": _plain,
    "own potentials": _shaped,
    "team potential": _shaped,
    "own ranks": replace(_plain, reward_penalties=(Term(JudgedSteps(), weight=0.1),)),
}
claim = AllOf(
    BetterThan("own potentials", "team reward", on="success", at=10, effect=0.05, matched="samples, updates", by_construction=True),
    BetterThan("own potentials", "team potential", on="success", at=10, effect=0.05, matched="samples, updates, answers"),
    BetterThan("own potentials", "own ranks", on="success", at=40, effect=0.05, matched="samples, updates, answers"),
    BetterThan("own potentials", "own ranks", on="lost by errors", effect=0.05, lower_is_better=True, matched="samples, updates, answers"),
)
SEEDS = {"smoke": 1, "full": 12, "tune": 6}
_TOLD = {"learning_rate": (0.03, 0.1, 0.3), "weight": Knob((0.03, 0.1), least=0.0)}
GRID = {"team reward": {"learning_rate": (0.01, 0.03, 0.06, 0.1, 0.2, 0.3)}} | {arm: _TOLD for arm in recipe if arm != "team reward"}
TUNED_BY = "early"


@dataclass(frozen=True)
class Door(EnumerableWorld):
    """An episode is what both do, in turn: the first agent's move of a round and then the second's."""

    contexts: int = 1
    rounds: int = ROUNDS

    @property
    def tree(self) -> PrefixTree:
        return PrefixTree(3, AGENTS * self.rounds)

    def states(self) -> list[Tensor]:
        """Before each round, and at the end, the joint state that each way of getting there leads to: [9^round], first place * CELLS + second place."""
        reached = [torch.zeros(1, dtype=torch.long)]
        moves = torch.arange(3) - 1
        for _ in range(self.rounds):
            first, second = reached[-1] // CELLS, reached[-1] % CELLS
            one = (first.unsqueeze(-1) + moves).clamp(0, CELLS - 1)  # [N, 3]
            two = (second.unsqueeze(-1) + moves).clamp(0, CELLS - 1)
            barred = ((second == 1).unsqueeze(-1) & (two == 2)) & (first != SWITCH).unsqueeze(-1)
            two = torch.where(barred, second.unsqueeze(-1), two)
            reached.append((one.unsqueeze(-1) * CELLS + two.unsqueeze(-2)).flatten())
        return reached

    def rewards(self) -> Tensor:
        return (self.states()[-1] % CELLS == CELLS - 1).double().unsqueeze(0)

    def looks(self) -> Tensor:
        """[1, P], the round, the state before it, and whose turn it is."""
        before = [s + STATES * AGENTS * k for k, s in enumerate(self.states()[:-1])]
        return torch.cat([x for s in before for x in (s, (s + STATES).repeat_interleave(3))]).unsqueeze(0)


class Values(TableCritic):
    """A critic by what is seen."""

    def __init__(self, world: Door) -> None:
        super().__init__(world.tree, 1)
        self.looks = world.looks()
        self.module["table"] = torch.nn.Parameter(torch.zeros(int(self.looks.max()) + 1, dtype=torch.float64))

    @property
    def values(self) -> Tensor:
        return self.module["table"][self.looks]


class Ranked:
    """Frozen scores of states, [AGENTS, STATES]: ``value`` before a step's round, ``q`` and ``contribution`` after it, of the agent whose step it is."""

    measures = frozenset({"value", "q", "contribution"})

    def __init__(self, world: Door, scores: Tensor) -> None:
        self.world, self.scores, self.module = world, scores, torch.nn.Module()

    def measure(self, sequences: Sequences, names: Set[str]) -> dict[str, Tensor]:
        rounds, states = sequences.actions.unflatten(1, (-1, AGENTS)), self.world.states()
        way, before, after = torch.zeros(len(sequences), dtype=torch.long), [], []
        for k in range(rounds.shape[1]):
            before.append(self.scores[:, states[k][way]].T)
            way = way * 9 + rounds[:, k, 0] * 3 + rounds[:, k, 1]
            after.append(self.scores[:, states[k + 1][way]].T)
        found = {"value": torch.cat(before, 1), "q": torch.cat(after, 1), "contribution": torch.cat(after, 1)}
        return {name: torch.where(sequences.mask, found[name], 0.0) for name in names}


@lru_cache(maxsize=16)
def ranks(seed: int, errs: float, team: bool) -> Tensor:
    """[AGENTS, STATES], the scores fitted to what the ranker says."""
    states = torch.arange(STATES)
    near = torch.stack([-(states // CELLS - SWITCH).abs(), states % CELLS - (CELLS - 1)])
    views = near.sum(0, keepdim=True) if team else near
    pairs = torch.combinations(states).repeat(ASKED * (AGENTS if team else 1), 1)
    out = []
    for agent, view in enumerate(views):
        rng = generator(seed, "ranker", agent)
        ahead = (view[pairs[:, 0]] - view[pairs[:, 1]]).double()
        lot, wrong = torch.rand(2, len(pairs), generator=rng)
        second = torch.where(ahead == 0, lot < 0.5, (ahead < 0) ^ (wrong < errs)).long()
        score = MaximumLikelihood(BradleyTerry(), ridge=0.1)(pairs, second, items=STATES).parameters["score"]
        out.append((score - score.mean()) / score.std())
    return torch.stack(out).expand(AGENTS, -1)


def trial(arm: str, seed: int, scale: str, learning_rate: float, weight: float = 0.0) -> dict:
    """One arm, trained with the ranker."""
    found = practised(arm, seed, scale, learning_rate, ERRS, weight)
    return {"success": found, "early": found[10]}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **chosen) for arm, chosen in tuned.items()}
    for arm in ("own potentials", "own ranks"):
        arms[arm]["lost by errors"] = practised(arm, seed, scale, errs=0.0, **tuned[arm])[10] - arms[arm]["early"]
    return arms


def practised(arm: str, seed: int, scale: str, learning_rate: float, errs: float, weight: float = 0.0) -> dict[int, float]:
    small = scale == "smoke"
    world, stops = Door(rounds=3 if small else ROUNDS), (1,) if small else (10, 20, 40)
    looks = world.looks()
    draws = torch.randn(int(looks.max()) + 1, 3, dtype=torch.float64, generator=generator(seed, "policy"))
    policy, rewards = TiedPolicy(world.tree, 0.5 * draws, looks), world.rewards()
    method = replace(recipe[arm], optimiser=AdamW(learning_rate))
    models = {"critic": Values(world)}
    if arm != "team reward":
        models["judge" if arm == "own ranks" else "potential"] = Ranked(world, ranks(derive(seed, "ranks"), errs, arm == "team potential"))
        method = weighted(method, weight)
    along = Along(stops, lambda: {"success": float(policy.expect(rewards).detach().mean())})
    budget = Budget(max(stops), 1, seed=derive(seed, "training"))
    improve(policy, FiniteScene(world), world.train(), method, budget, Decoding(world.tree.depth), display=along, learners=models)
    found = along.curves["success"]
    return {stop: found[1 if small else stop] for stop in (10, 20, 40)}


def weighted(method: Recipe, weight: float) -> Recipe:
    if method.reward_penalties:
        return replace(method, reward_penalties=(Term(JudgedSteps(), weight=weight),))
    shaped = PotentialShaped(GAE(), weight=weight)
    return replace(method, advantage=BatchNormalised(EachAgent(shaped)), target=EachAgent(LambdaReturn(shaped)))
