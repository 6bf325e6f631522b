"""Think-RM: a judge is warmed up on long chains, reinforced on its verdicts, and its verdicts on pairs are a policy's advantage without scores in between.

World of the judge: as for ``rm_r1``; pairs can be looked at five times, those of the second kind show late which answer is better (``worlds.finite.deliberations``). 200 pairs
are labelled. A rough reader with chains of some two words (``_judging.start``) is sampled eight times about each pair, as the model with long thoughts is there.

* "longest": of each pair the longest chain that ends right is imitated in 40 steps; "shortest": the shortest. 50 steps of GRPO on verdicts follow, the rate tuned.
* "Bradley-Terry": a linear head on what the judge sees, as in ``rm_r1``.

Measured of 400 held-out pairs, exactly: "accuracy" of what most of very many verdicts say, "late", of pairs of the second kind, and "words" of a judgement.

World of the policy: 24 prompts with 12 answers whose worth is from N(0, 1); a judge prefers one to another with the probability sigmoid(2 difference), and each of its verdicts is
drawn. A policy over answers, uniform at first, learns in 60 steps from 6 answers to each prompt and all 15 verdicts about them; what is reached is taken along the way.

* "net wins": ``feedback.rewards.net_wins`` is the advantage, which of hard verdicts is a constant times the share of wins above a half. "win rate": the share of wins is a
  score, normalised in its group (GRPO). "against one": each answer is compared with one other to its prompt, and the verdict is its score, normalised as well (6 verdicts).

Measured: "worth" of the policy and "KL" to the uniform one after 5, 10, 20, 40 and 60 steps, exactly; the rate is tuned by the worth in the end.

Source: Hong et al. 2025, arXiv 2505.16265, abstract and summaries (longest correct trace for the warm-up; GRPO; pairwise RLHF), and the authors' code (advantage of differences).
How pairwise verdicts are turned into scores is not in what was read; two ways were chosen. Smallest differences of interest: 0.02 of accuracy, 0.05 of worth.
"""

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas.generative_rewards._judging import EACH, Judge, Said, headed, imitated, reinforced, right, start, voted
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.feedback.rewards.net_wins import NetWins
from guerdon.randomness import derive, generator
from guerdon.worlds.finite.deliberations import Deliberations, Pairs

system = System(
    title="Think-RM: Enabling Long-Horizon Reasoning in Generative Reward Models",
    link="https://arxiv.org/abs/2505.16265",
    kind="reward",
    builds_on=("genrm", "grpo", "sft", "pairwise-advantage", "bradley-terry-rm"),
    read="code",
    note=(
        "A warm-up on the longest right chains instead of the shortest gains 0.09, and chains of nearly five words instead of one; a linear "
        "head on the same labels is level with it or ahead (0.78 and 0.76 on late pairs, undecided). Net wins are worth as much as "
        "normalised shares of wins at equal KL, and 0.09 more than scores from one comparison each, which cost fewer verdicts (6, not 15)."
    ),
)
LABELLED, CHOOSING, HELD_OUT, IMITATING, LEARNING = 200, 80, 400, 40, 50
PROMPTS, ANSWERS, DRAWN, STOPS = 24, 12, 6, (5, 10, 20, 40, 60)
DEVIATION = 0.5**0.5  # of hard verdicts, see ``net_wins``
NORMALISED = GroupCentred()
recipe = {"net wins": NetWins("file.py:compare"), "win rate": NORMALISED}
claim = AllOf(
    BetterThan("longest", "Bradley-Terry", on="late", effect=0.02, matched="labels"),
    BetterThan("longest", "shortest", on="accuracy", effect=0.02, matched="labels, updates"),
    AheadAlong("net wins", "win rate", on="worth", along="KL", effect=0.05),
    AheadAlong("net wins", "against one", on="worth", along="KL", effect=0.05),
)
SEEDS = {"smoke": 1, "full": 12, "tune": 2}
_JUDGES = {"learning_rate": (0.03, 0.06, 0.12, 0.24)}
_POLICIES = {"learning_rate": (0.3, 1.0, 3.0, 9.0)}
GRID = {
    "shortest": _JUDGES,
    "longest": _JUDGES,
    "win rate": _POLICIES,
    "against one": _POLICIES,
    "net wins": _POLICIES,
}
TUNED_BY = "tuned by"


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    if arm in ("shortest", "longest"):
        world = Deliberations(seed=derive(seed, "world"))
        found = of_judge(judge_of(arm, world, seed, scale, learning_rate), world, seed)
        return found | {"tuned by": found["accuracy"]}
    found = improved(arm, seed, learning_rate, max(STOPS) if scale == "full" else 5)
    return found | {"tuned by": found["worth"][STOPS[-1]]}


def judge_of(arm: str, world: Deliberations, seed: int, scale: str, learning_rate: float) -> Judge:
    pairs, judge = world.pairs(LABELLED, derive(seed, "labelled")), start(world, seed, tags=2)
    said = judge.judge(pairs, 2 * EACH, derive(seed, "warm-up"))
    length = said.length if arm == "longest" else -said.length
    kept = chosen(length, said, pairs)
    imitating, learning = (IMITATING, LEARNING) if scale == "full" else (2, 2)
    judge = imitated(judge, pairs, said, kept, 0.1, imitating)
    return reinforced(judge, pairs, pairs.truth, learning_rate, learning, derive(seed, "RL"))


def chosen(length: Tensor, said: Said, pairs: Pairs) -> Tensor:
    """[N, G], 1 for the one judgement of each pair that is the longest of those that are right, if any is."""
    agrees = said.right(pairs.truth)
    first = torch.where(agrees, length, -99).argmax(-1, keepdim=True)
    return torch.zeros_like(length, dtype=torch.float64).scatter(-1, first, 1.0) * agrees


def of_judge(judge: Judge, world: Deliberations, seed: int) -> dict[str, float]:
    held_out = world.pairs(HELD_OUT, derive(seed, "held out"))
    return of_verdicts(judge.first(held_out), held_out) | {"words": judge.words_written(held_out)}


def of_verdicts(first: Tensor, pairs: Pairs) -> dict[str, float]:
    late = pairs.kind == 1
    return {"accuracy": voted(first, pairs), "late": voted(first[late], pairs.those(late)), "single": right(first, pairs)}


def improved(arm: str, seed: int, learning_rate: float, steps: int) -> dict[str, dict[int, float]]:
    """A policy's worth and price along the way."""
    worth = torch.randn(PROMPTS, ANSWERS, dtype=torch.float64, generator=generator(seed, "worth"))
    logits, dice = torch.zeros_like(worth), generator(seed, "policy")
    group, mask = torch.arange(PROMPTS).repeat_interleave(DRAWN), torch.ones(PROMPTS * DRAWN, 1, dtype=torch.bool)
    along: dict[str, dict[int, float]] = {"worth": {}, "KL": {}}
    for step in range(1, steps + 1):
        policy = logits.softmax(-1)
        said = torch.multinomial(policy, DRAWN, True, generator=dice)
        here = worth.gather(1, said)
        likely = torch.sigmoid(2 * (here.unsqueeze(2) - here.unsqueeze(1)))
        wins = (torch.rand(likely.shape, dtype=torch.float64, generator=dice) < likely).double().triu(1)  # of i over j, i before j
        ahead = (2 * wins - 1).triu(1)
        ahead = ahead - ahead.transpose(1, 2)
        if arm == "net wins":
            advantage = ahead.sum(-1) / DRAWN / DEVIATION
        else:
            scores = ahead.sum(-1) if arm == "win rate" else ahead.roll(-1, 2).diagonal(dim1=1, dim2=2)
            advantage = NORMALISED(reward=scores.flatten(), group=group, mask=mask).view(PROMPTS, DRAWN)
        slope = torch.zeros_like(logits).scatter_add(1, said, advantage) - advantage.sum(-1, keepdim=True) * policy
        logits = logits + learning_rate * slope / DRAWN
        if step in STOPS:
            policy = logits.softmax(-1)
            along["worth"][step] = float((policy * worth).sum(-1).mean())
            along["KL"][step] = float((policy * (policy.clamp(min=1e-300) * ANSWERS).log()).sum(-1).mean())
    return {name: {stop: curve.get(stop, curve[min(steps, stop)]) for stop in STOPS} for name, curve in along.items()}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    world = Deliberations(seed=derive(seed, "world"))
    arms = {arm: trial(arm, seed, scale, **tuned[arm]) for arm in GRID}
    pairs, held_out = world.pairs(LABELLED, derive(seed, "labelled")), world.pairs(HELD_OUT, derive(seed, "held out"))
    head = headed(start(world, seed, tags=2), pairs, pairs.truth, world.pairs(CHOOSING, derive(seed, "choosing")))
    arms["start"] = of_judge(start(world, seed, tags=2), world, seed)
    arms["Bradley-Terry"] = of_verdicts((head(held_out) > 0).double(), held_out)
    return {arm: {name: value for name, value in found.items() if name != "tuned by"} for arm, found in arms.items()}
