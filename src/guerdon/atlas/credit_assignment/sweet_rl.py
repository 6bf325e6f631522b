"""SWEET-RL: a critic that is told the solution says of each turn of a dialogue how good it was, and the agent, who is not, learns from pairs of turns.

World: two topics with four targets each, one of which a person has in mind. The agent asks one of four questions, is answered yes or no, asks again, is answered, and names a
target; it is right or not. Of each topic's questions two tell something, and both together tell all; which these are, and what they mean, differs from topic to topic. The agent
sees the topic and the answers (``models.finite.tied_table``). A seed is another world, first policy (logits from N(0, 0.5)) and data. In a first world
of six topics with 8 dialogues for each target a critic that sees the target had 8 dialogues for 84 turns (seen on seeds 0 and 1): it was starved.

Data: 24 dialogues for each topic and target by the first policy, which is right one time in four. Arms:

* "dialogues": DPO on up to 9 pairs of a right and a wrong dialogue for each topic and target (multi-turn DPO);
* "SWEET": a critic that sees the target is fitted to the same pairs, its score the sum of its turns' mean log-ratios (``turn_mean_log_ratio``; here a turn is one step). At
  every turn of every dialogue 8 candidates are drawn from the first policy and ranked by the log-ratio of the critic, and DPO learns from 4 pairs of the upper and the lower
  half (``upper_lower``), of that turn alone;
* "SWEET, blind": the same with a critic that sees what the agent sees;
* "values" and "values, blind": the same with the mean outcome of the data after each turn (shrunk to the mean of all by ``prior`` dialogues), by target or by what is seen.

60 steps of 64 pairs with AdamW for agents, as many for critics. Every arm has nine settings: a learning rate, and beta (dialogues), the critic's learning rate (SWEET) or the
prior (values), tuned by the success at 2 nats.

Measured, exactly, before training and after 5 to 60 steps: "success", and "KL" of the agent from the first policy in nats a dialogue, which is the price.

The smallest difference of interest: 0.02 of a success rate.

Source: Zhou et al. 2025, arXiv 2503.15478, of which the abstract and summaries were read, and its authors' code (github.com/facebookresearch/sweet_rl, scripts; their fork of
OpenRLHF, ``dpo_trainer.py``). There: collaborative programming and web design, Llama 3.1 8B, and 0.01 of a likelihood of the chosen turn beside DPO, which is left out. What a
language model brings along as a critic, from what it was pretrained on, a table has not.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AheadAlong, AllOf, Knob, System
from guerdon.atlas._text import Along, bought
from guerdon.data.pairing.upper_lower import UpperLower
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.scores.turn_mean_log_ratio import TurnMeanLogRatio
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tied_table import TiedTable
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import derive, generator
from guerdon.sequences import Decoding, Example, Sequences, Side
from guerdon.training.loops.fit import fit
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.enumerable import EnumerableWorld

system = System(
    title="SWEET-RL: Training Multi-Turn LLM Agents on Collaborative Reasoning Tasks",
    link="https://arxiv.org/abs/2503.15478",
    kind="method",
    builds_on=("dpo", "turn-mean-log-ratio", "upper-lower", "privileged-critic"),
    read="code",
    note=(
        "DPO between whole dialogues is ahead of SWEET's turn-level critic by 0.04 at equal KL, and a critic that is told what "
        "only training knows is no better than a blind one (0.002). Turns are few here and the end says much of each."
    ),
)
CHOICES, TURNS, STEPS, PRICE = 4, 3, 60, 2.0
recipe = {
    "critic": Recipe((Term(Pairwise(TurnMeanLogRatio(0.1), Logistic())),), AdamW(0.1)),
    "agent": Recipe((Term(Pairwise(LogRatio(0.1), Logistic())),), AdamW(0.1)),
}
claim = AllOf(
    AheadAlong("SWEET", "dialogues", on="success", along="KL", effect=0.02),
    AheadAlong("SWEET", "values, blind", on="success", along="KL", effect=0.02),
    AheadAlong("SWEET", "SWEET, blind", on="success", along="KL", effect=0.02),
    AheadAlong("SWEET", "values", on="success", along="KL", effect=0.02),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}
_RATE = {"learning_rate": (0.03, 0.1, 0.3)}
GRID = {
    "dialogues": _RATE | {"beta": (0.03, 0.1, 0.3)},
    "SWEET": _RATE | {"critic_rate": (0.03, 0.1, 0.3)},
    "SWEET, blind": _RATE | {"critic_rate": (0.03, 0.1, 0.3)},
    "values": _RATE | {"prior": Knob((0.3, 1.0, 3.0), least=0.0)},
    "values, blind": _RATE | {"prior": Knob((0.3, 1.0, 3.0), least=0.0)},
}
TUNED_BY = "success at the price"


@dataclass(frozen=True)
class Guessing(EnumerableWorld):
    topics: int = 2
    seed: int = 0
    tree = PrefixTree(CHOICES, TURNS)

    @property
    def contexts(self) -> int:
        return self.topics * CHOICES

    def answers(self) -> Tensor:
        """[C, questions], what is answered to each: 1 yes, 0 no."""
        rng, out = generator(self.seed, "guessing"), torch.zeros(self.topics, CHOICES, CHOICES, dtype=torch.long)
        for topic in range(self.topics):
            telling, means = torch.randperm(CHOICES, generator=rng)[:2], torch.randperm(CHOICES, generator=rng)
            out[topic, :, telling] = torch.stack([means % 2, means // 2], -1)
        return out.flatten(0, 1)

    def rewards(self) -> Tensor:
        return (self.tree.actions[:, -1] == (torch.arange(self.contexts) % CHOICES).unsqueeze(-1)).double()

    def looks(self) -> tuple[tuple[int, ...], ...]:
        """What the agent sees before each of its turns: the topic, and what was asked and answered."""
        answers, number, out = self.answers().tolist(), {}, []
        for context in range(self.contexts):
            seen = [(context // CHOICES,)]
            for prefix in seen:  # grows on the way: prefixes are numbered breadth first
                if len(seen) < self.tree.prefixes:
                    seen += [(*prefix, question, answers[context][question]) for question in range(CHOICES)]
            out.append(tuple(number.setdefault(prefix, len(number)) for prefix in seen))
        return tuple(out)


@dataclass(frozen=True)
class Given:
    """A world, the first policy, its dialogues, and pairs of them."""

    world: Guessing
    first: TablePolicy
    dialogues: Sequences
    right: Tensor

    @property
    def looks(self) -> Tensor:
        return self.first.looks

    def where(self) -> tuple[Tensor, Tensor]:
        """Of each turn of each dialogue its context and its prefix, [N, TURNS] each."""
        context = torch.cat(self.dialogues.contexts)[self.dialogues.context]
        return context.unsqueeze(-1).expand(-1, TURNS), self.world.tree.nodes(self.dialogues.actions)

    def pairs(self) -> list[Example]:
        context, taken = self.where()[0][:, 0], self.dialogues.actions.tolist()
        out = []
        for one in range(self.world.contexts):
            good, bad = ((context == one) & (self.right == verdict) for verdict in (1, 0))
            both = [(g, b) for g in good.nonzero().flatten().tolist() for b in bad.nonzero().flatten().tolist()]
            out += [_pair(one, taken[g], taken[b], 0) for g, b in both[:: max(len(both) // 9, 1)][:9]]
        return out


@lru_cache(maxsize=4)
def given(seed: int, topics: int, each: int) -> Given:
    world = Guessing(topics, derive(seed, "world"))
    first = TiedTable(world.looks(), CHOICES, TURNS, deviation=0.5, seed=derive(seed, "policy")).build()
    contexts = [torch.tensor([c]) for c in range(world.contexts)]
    dialogues = Group(each)(first, contexts, Decoding(TURNS), derive(seed, "dialogues"))
    return Given(world, first, dialogues, world.expected_reward_of(dialogues))


def trial(arm: str, seed: int, scale: str, learning_rate: float, beta: float = 0.1, critic_rate: float = 0.0, prior: float = 0.0) -> dict:
    """One arm, trained."""
    small = scale == "smoke"
    data = given(seed, 1 if small else 2, 8 if small else 24)
    steps, stops = (2, (1, 2)) if small else (STEPS, (5, 10, 20, 30, 40, 60))
    if arm == "dialogues":
        pairs = data.pairs()
    else:
        worth = critic(data, "blind" in arm, critic_rate, steps, seed) if critic_rate else outcomes(data, "blind" in arm, prior)
        pairs = ranked(data, worth, seed)
    agent, rewards = _agent(data), data.world.rewards()
    along = Along(
        stops, lambda: {"success": float(agent.expect(rewards).detach().mean()), "KL": float(agent.kl(data.first).detach().mean())}
    )
    method = replace(recipe["agent"], terms=(Term(Pairwise(LogRatio(beta), Logistic())),), optimiser=AdamW(learning_rate))
    fit(agent, pairs, method, Budget(steps, 64, seed=derive(seed, "training")), display=along)
    return {**along.curves, "success at the price": bought(along.curves["success"], along.curves["KL"], PRICE)}


def _agent(data: Given) -> TablePolicy:
    """The first policy, to be trained."""
    return type(data.first)(data.first.tree, data.first.module["table"].detach(), data.looks)


def critic(data: Given, blind: bool, learning_rate: float, steps: int, seed: int) -> Tensor:
    """[C, P, V], what each turn is worth: the log-ratio of a critic that was fitted to pairs of dialogues."""
    before = data.first.logits.detach()
    judge = _agent(data) if blind else TablePolicy(data.world.tree, before)
    fit(judge, data.pairs(), replace(recipe["critic"], optimiser=AdamW(learning_rate)), Budget(steps, 64, seed=derive(seed, "critic")))
    return judge.logits.detach().log_softmax(-1) - before.log_softmax(-1)


def outcomes(data: Given, blind: bool, prior: float) -> Tensor:
    """[C, P, V], the mean outcome of the dialogues that took each turn; where there were none, of all."""
    context, prefix = data.where()
    place = data.looks[context, prefix] if blind else context * data.world.tree.prefixes + prefix
    size = (int(data.looks.max()) + 1 if blind else data.world.contexts * data.world.tree.prefixes) * CHOICES
    cell, mean = (place * CHOICES + data.dialogues.actions).flatten(), data.right.mean()
    won = torch.zeros(size, dtype=torch.float64).index_add(0, cell, data.right.unsqueeze(-1).expand(-1, TURNS).flatten())
    count = torch.zeros(size, dtype=torch.float64).index_add(0, cell, torch.ones(len(cell), dtype=torch.float64))
    worth = torch.where(count + prior > 0, (won + prior * mean) / (count + prior).clamp(min=1e-9), mean).unflatten(0, (-1, CHOICES))
    return worth[data.looks] if blind else worth.unflatten(0, (data.world.contexts, -1))


def ranked(data: Given, worth: Tensor, seed: int) -> list[Example]:
    """Pairs of turns: candidates of the first policy at every turn of the data, ranked by what they are worth."""
    context, prefix = (x.flatten() for x in data.where())
    chances = data.first.logits.detach().softmax(-1)[context, prefix]
    drawn = torch.multinomial(chances, 8, replacement=True, generator=generator(seed, "candidates"))  # [N * TURNS, 8]
    value = worth[context, prefix].gather(-1, drawn)
    found = UpperLower(4)(value.flatten(), torch.arange(len(drawn)).repeat_interleave(8))
    taken, said = data.dialogues.actions.tolist(), drawn.flatten().tolist()
    out = []
    for better, worse in found.tolist():
        row, turn = divmod(better // 8, TURNS)
        begun = taken[row][:turn]
        out.append(_pair(int(context[better // 8]), [*begun, said[better]], [*begun, said[worse]], turn))
    return out


def _pair(context: int, better: list[int], worse: list[int], since: int) -> Example:
    """Two dialogues, or two turns after the same beginning: acted from turn ``since`` on."""
    mask, turns = tuple(t >= since for t in range(len(better))), {"segment": tuple(float(t) for t in range(len(better)))}
    return Example({side: Side((context,), tuple(said), mask, turns) for side, said in (("chosen", better), ("rejected", worse))})
