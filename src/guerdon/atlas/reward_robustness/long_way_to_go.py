"""A long way to go: where people like length, most of what a policy gains is length, and a policy that is rewarded for length alone is liked nearly as
much.

World: as for ODIN (``_marks.liked``, with 192 answers to a context): four qualities whose worth bends, and a mark that is worth nothing, standing for
length, goes along with quality a little (0.3) and is liked as much as a deviation of it. A reward is learned from 600 comparisons (a linear head on
64 random features, Bradley-Terry, ridge 0.01). What is asked for within a budget of KL is the exponential tilt, exactly. A seed is another world and
all draws of it.

Arms, at a KL of 2 nats unless said: "RLHF": the reward; "length only": the mark in its place. Interventions: "high KL": the reward at 0.5 nats;
"length penalty": the reward less half its slope along the mark times the mark; "omit long": the reward, and no answer longer than nine in ten of the
reference's; "balanced": a reward that is learned from comparisons in which the longer answer is preferred as often as the shorter one, whatever their
difference.

Measured, exact: "length" (the mark's mean, that of the reference being 0), "gold", and "judged": how often a person who likes length prefers an
answer of the policy to one of the reference, less a half; as shares of RLHF's, "judged, of RLHF's". On 2,000 answers each: "within": which part of
the gain in (RLHF's) reward is found among answers of the same length, in bins of a quarter of a deviation.

Source: Singhal et al. 2023, arXiv 2310.03716, the beginning and summaries: 70 to 90 % of the gain of PPO by length on two of three data sets, a
length-only reward that reproduces most of the win rate, interventions that cut length in part. There Llama-7B, PPO, a language model as the judge.
Chosen here: the world, its sizes, and the strength of interventions (scaling of rewards, and cutting data by confidence, are left out: the first does
nothing to an exact optimum). The smallest differences of interest: 0.05 of the share within, 0.1 of other shares and of length.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.reward_robustness._marks import learned, liked, marks
from guerdon.atlas.reward_robustness._proxies import scores, tilted
from guerdon.data.curation.balanced_lengths import BalancedLengths
from guerdon.evaluation.metrics.gain_within_bins import GainWithinBins
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.exploitable import Exploitable

system = System(
    title="A Long Way to Go: Investigating Length Correlations in RLHF",
    link="https://arxiv.org/abs/2310.03716",
    kind="study",
    builds_on=("bradley-terry", "exponential-tilt", "gain-within-bins", "balanced-lengths"),
    read="abstract",
    note=(
        "As the paper says in every leaf: 0.40 of the gain in reward is found among answers of the same length, a reward for length alone is judged 0.87 as good as the "
        "learned one at equal KL (and has 0.59 of gold where that has 1.50), and every intervention shortens answers and leaves them longer than before. A "
        "length penalty and balanced data make gold higher, too, high KL and omitting long answers lower."
    ),
    untuned="interventions are given, and looked at one by one",
)
INTERVENTIONS = ("high KL", "length penalty", "omit long", "balanced")
recipe = {"balanced": BalancedLengths()}
claim = AllOf(
    BetterThan("RLHF", 0.5, on="within", lower_is_better=True, effect=0.05),
    BetterThan("length only", 0.5, on="judged, of RLHF's", effect=0.1, matched="KL"),
    *(BetterThan(arm, "RLHF", on="length", lower_is_better=True, effect=0.1) for arm in INTERVENTIONS),
    *(BetterThan(arm, 0.0, on="length", effect=0.1) for arm in INTERVENTIONS),
)
SEEDS = {"smoke": 1, "full": 12}
BUDGET = 2.0


def experiment(seed: int, scale: str) -> dict:
    smoke = scale == "smoke"
    world = replace(liked(seed, scale), answers=64 if smoke else 192)
    verdicts = world.comparisons(100 if smoke else 600, seed)
    told = {"seed": seed, "steps": 20 if smoke else 150, "ridge": 0.01}
    reward, length, reference = scores(learned(world, verdicts, **told), world), marks(world).view(world.contexts, -1), world.reference()
    centred = length - (reference * length).sum(-1, keepdim=True)
    slope = float((reference * centred * reward).sum() / (reference * centred.square()).sum())
    policies = {
        "RLHF": asked_for(reward, world),
        "length only": asked_for(length, world),
        "high KL": asked_for(reward, world, 0.5),
        "length penalty": asked_for(reward - slope / 2 * length, world),
        "omit long": without_long(asked_for(reward, world), length, reference),
        "balanced": asked_for(scores(learned(world, balanced(verdicts, length.flatten()), **told), world), world),
    }
    arms = {arm: looked_at(policy, world, reward, centred, derive(seed, arm)) for arm, policy in policies.items()}
    for found in arms.values():
        found["judged, of RLHF's"] = found["judged"] / arms["RLHF"]["judged"]
    return arms


def asked_for(reward: Tensor, world: Exploitable, budget: float = BUDGET) -> Tensor:
    return tilted(reward, world, (budget,)).policies[0]


def without_long(policy: Tensor, length: Tensor, reference: Tensor) -> Tensor:
    """The policy without what is longer than nine in ten of the reference's answers, context by context."""
    order = length.argsort(-1)
    below = reference.gather(-1, order).cumsum(-1) <= 0.9
    kept = torch.zeros_like(policy).scatter_(-1, order, below.double()) * policy
    return kept / kept.sum(-1, keepdim=True)


def balanced(verdicts: Tensor, length: Tensor) -> Tensor:
    """The comparisons [m, 3] in which length says nothing."""
    rows = [
        {"prompt": "", "chosen": a, "rejected": b, "chosen_length": float(length[a]), "rejected_length": float(length[b])}
        for _, a, b in verdicts.tolist()
    ]
    return torch.tensor([[0, row["chosen"], row["rejected"]] for row in BalancedLengths()(rows)])


def looked_at(policy: Tensor, world: Exploitable, reward: Tensor, length: Tensor, seed: int) -> dict[str, float]:
    reference, utility = world.reference(), world.utility()[0]
    wins = torch.sigmoid(world.rationality * (utility.unsqueeze(-1) - utility.unsqueeze(-2)))
    judged = float((policy.unsqueeze(-1) * reference.unsqueeze(-2) * wins).sum((1, 2)).mean()) - 0.5
    rng, sampled = generator(seed, "sampled"), []
    for own in (reference, policy):
        context = torch.randint(world.contexts, (2000,), generator=rng)
        answer = torch.multinomial(own[context], 1, generator=rng).squeeze(-1)
        sampled += [reward[context, answer].numpy(), length[context, answer].numpy()]
    within, beyond = GainWithinBins(0.25)(*sampled)
    share = float(within / (within + beyond)) if np.isfinite(within) else 0.0
    exact = {"length": float((policy * length).sum(-1).mean()), "gold": float((policy * world.rewards()).sum(-1).mean())}
    return exact | {"judged": judged, "within": share}
