"""SELM: in iterative DPO the policy's own answer is ranked beside the data's two, and its likelihood is pushed down, so that the next round says something else.

World: 8 kinds of prompts, of which each is a bandit of 13 answers: ten are worth N(0, 0.09), one is worth 2 and two are worth -1, and these three the start gives
once in 200 times each. Every prompt likes the ten in a way of its own (logits from N(0, 1/4)), and what is learned is shared by the prompts of a kind, as by a model.
1,024 prompts have two answers of the start, compared by Bradley-Terry: the data; in these the best answer is as rare as anywhere.

First DPO on 128 of the data; then 7 rounds of 128 further prompts: the policy answers each once, the ranker finds the best and the worst of this answer and the
data's two, and 4 steps of 32 such pairs follow, with the policy of the round's start as the reference. The ranker sees the worth with an error from N(0, 0.09) for each
answer of a kind, so that it can be over-optimised. SELM is the recipe ``selm``: a greedy answer, and alpha beta log policy(own answer) in the loss. "iterative DPO" is
the same without that term, and may explore in the plainest way: it draws its answer at a temperature, of which 0 is greedy.

Both are tuned alike: beta, learning rate, and alpha or the temperature, by the most true worth for a KL of at most 4 nats from the start, where the optimum gives the
best answer most of the time. "SELM, alpha 0" has SELM's settings without the term. All have the same prompts, rankings and updates.

Measured at the start, after DPO and after each round, exactly, over 128 further prompts: the true worth and the KL from the start. Compared are the worths at equal KL,
over what both have spent, and for at most 4 nats, as who explores may go on where the other has nothing more to buy. 0.05 of worth is what anybody would care about.
The price was 2 nats at first. Single settings of both arms on one seed, none of them tuned, showed DPO's to stop a little above, which is what the best of ten answers
costs that are all common (log 10), and SELM's with the largest alpha to go on; nothing rare is bought at 2 nats.

The world was a bandit with one prompt, in which there are no answers of the data: the policy's own draws were compared, and the loss was minimised in expectation. It
was changed to look at the authors' scheme. The short texts of ``hackable`` were tried first, with single settings of both arms on one seed, and given up:
a trial took ten times as long, and neither arm gained anything there.

Source: Zhang et al. 2024, arXiv 2405.19332, in its authors' code (``online_feedback.py``, ``selm_trainer.py``, ``train_zephyr.sh``): a quarter of the data for DPO, a
quarter for each of 3 rounds; beta 0.01, alpha 0.001, cosine schedules. There: models of 7 to 8 B, ranked by PairRM. Chosen here: world, sizes, rounds, constant rates.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from guerdon.acting.samplers.beside_given import BesideGiven
from guerdon.atlas import AheadAlong, AllOf, BetterThan, Knob, System
from guerdon.atlas._text import Along, bought
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models.finite.shared_shift import ShiftedPolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import generator
from guerdon.recipes.selm import optimism
from guerdon.recipes.selm import recipe as selm
from guerdon.sequences import Decoding, Example, Sequences, Side
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.fit import fit
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.updates.reset_reference import ResetReference

system = System(
    title="Self-Exploring Language Models: Active Preference Elicitation for Online Alignment",
    link="https://arxiv.org/abs/2405.19332",
    kind="method",
    builds_on=("dpo", "online-dpo", "optimism", "best-worst-pairs"),
    read="code",
    note=(
        "As far as both go, to 2.3 nats, SELM is where iterative DPO is at equal KL (0.015 ahead, which nobody would notice). There DPO stops, with the best of the "
        "common answers, at temperatures up to 5 in single trials as well, and SELM goes on to 3.4 nats, finds the rare answer and has 0.56 more worth "
        "(0.81 against 0.25), with an alpha of 0.1, a hundred times the authors'. How far that carries to a language model's rare answers is open."
    ),
)
KINDS, COMMON, RARE, WORTH = 8, 10, 0.005, (2.0, -1.0, -1.0)
ROUNDS, STEPS, ROWS, HELD_OUT, PRICE = 7, 4, 32, 128, 4.0


def dpo(beta: float, learning_rate: float) -> Recipe:
    return Recipe((Term(Pairwise(LogRatio(beta), Logistic())),), AdamW(learning_rate))


def iterated(beta: float, learning_rate: float, alpha: float = 0.0, temperature: float = 0.0) -> Recipe:
    """A round is a step of the loop with ``STEPS`` gradient steps, after which the policy becomes the reference."""
    step = dpo(beta, learning_rate)
    terms = step.terms + ((replace(optimism, weight=-alpha * beta),) if alpha else ())
    sampler = BesideGiven(("chosen", "rejected"), greedy=temperature == 0)
    return replace(selm, terms=terms, optimiser=step.optimiser, sampler=sampler, minibatches=STEPS, updates=(ResetReference(STEPS),))


recipe = {"iterative DPO": iterated(0.3, 0.3), "SELM": iterated(0.3, 0.3, alpha=0.1)}
_KNOBS = {"beta": (0.3, 1.0, 3.0), "learning_rate": (0.1, 0.3, 1.0)}
GRID = {
    "iterative DPO": _KNOBS | {"temperature": Knob((0.0, 0.5, 1.0), least=0.0)},
    "SELM": _KNOBS | {"alpha": Knob((0.01, 0.1, 1.0), least=0.0)},
}
TUNED_BY = "gold at the price"
claim = AllOf(
    AheadAlong("SELM", "iterative DPO", on="gold", along="KL", effect=0.05),
    BetterThan("SELM", "iterative DPO", on="gold at the price", effect=0.05, matched="at most 4 nats of KL, rankings, updates"),
    AheadAlong("SELM", "SELM, alpha 0", on="gold", along="KL", effect=0.05),
)
SEEDS = {"smoke": 1, "full": 40, "tune": 3}


class Prompts:
    """The world, with the data. A prompt is its number; the last ``HELD_OUT`` are not among the data.

    Attributes:
        gold, ranked: [C, S], the true worth, and as the ranker sees it.
        rows: the data.
    """

    def __init__(self, seed: int, rounds: int):
        rng = generator(seed, "prompts of several kinds")

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, dtype=torch.float64, generator=rng)

        data = (1 + rounds) * STEPS * ROWS
        kind = torch.arange(data + HELD_OUT) % KINDS
        worth = torch.cat([0.3 * normal(KINDS, COMMON), torch.tensor(WORTH, dtype=torch.float64).expand(KINDS, -1)], -1)
        self.gold, self.ranked = worth[kind], (worth + 0.3 * normal(*worth.shape))[kind]
        likes = (0.5 * normal(len(kind), COMMON)).softmax(-1) * (1 - RARE * len(WORTH))
        self.first = torch.cat([likes, torch.full((len(kind), len(WORTH)), RARE, dtype=torch.float64)], -1)
        pairs = torch.multinomial(self.first[:data], 2, generator=rng)  # two different answers
        better = torch.sigmoid(self.gold[:data].gather(-1, pairs).diff(dim=-1)[:, 0]) < torch.rand(data, dtype=torch.float64, generator=rng)
        pairs = torch.where(better.unsqueeze(-1), pairs, pairs.flip(-1))
        self.rows = [{"prompt": i, "chosen": [a], "rejected": [b]} for i, (a, b) in enumerate(pairs.tolist())]

    def start(self) -> ShiftedPolicy:
        tree = PrefixTree(self.first.shape[-1])
        return ShiftedPolicy(tree, self.first.log().unsqueeze(1), torch.zeros(KINDS, 1, tree.vocabulary, dtype=torch.float64))

    def reward_of(self, rollouts: Sequences, seed: int = 0) -> Tensor:
        asked = torch.tensor([int(prompt[0]) for prompt in rollouts.contexts])
        return self.ranked[asked[rollouts.context], rollouts.actions[:, 0]]

    def measured(self, policy: ShiftedPolicy) -> dict[str, float]:
        with torch.no_grad():
            logp = policy.log_probabilities()[-HELD_OUT:]
            now, before = logp.exp(), self.first[-HELD_OUT:].log()
            return {"gold": float((now * self.gold[-HELD_OUT:]).sum(-1).mean()), "KL": float((now * (logp - before)).sum(-1).mean())}


prompts = lru_cache(maxsize=4)(Prompts)


def pairs_of(rows: Sequence[dict[str, Any]]) -> list[Example]:
    return [Example({side: Side((row["prompt"],), tuple(row[side]), (True,)) for side in ("chosen", "rejected")}, {}) for row in rows]


def trial(
    arm: str, seed: int, scale: str, beta: float, learning_rate: float, alpha: float = 0.0, temperature: float = 0.0
) -> dict[str, Any]:
    """What the policy is like at the start (-1), after DPO on the data (0), and after each round."""
    rounds, each = 1 if scale == "smoke" else ROUNDS, STEPS * ROWS
    world = prompts(seed, rounds)
    policy, before = world.start(), world.measured(world.start())
    fit(policy, pairs_of(world.rows[:each]), dpo(beta, learning_rate), Budget(steps=STEPS, batch_size=ROWS, seed=seed))
    along = Along(range(1, rounds + 1), lambda: world.measured(policy))
    method, decoding = iterated(beta, learning_rate, alpha, temperature), Decoding(1, temperature=temperature or 1.0)
    improve(
        policy, FiniteScene(world), world.rows[each:], method, Budget(steps=rounds, batch_size=each, seed=seed), decoding, display=along
    )
    curves = {name: {-1: before[name]} | curve for name, curve in along.curves.items()}
    return curves | {"gold at the price": bought(curves["gold"], curves["KL"], PRICE)}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    return arms | {"SELM, alpha 0": trial("SELM", seed, scale, **tuned["SELM"] | {"alpha": 0.0})}
