"""Policy filtration: learn from the best and the worst answers by a reward that is unreliable between, and choose the filter by how far rewards tell worth on what it keeps.

World: 4 prompts with 256 answers each, of 64 features drawn from N(0, 1). u = w . features is what an answer is worth, and gold, how often it passes, is sigmoid(2 (u - 1));
another direction, v, is a mark that is worth nothing. The reward is u where |u| >= 1, and what the mark says, v . features within -1 and 1, between: right about what is very good
or very bad, and misled where it cannot tell. In the second world (", alike") every reward has the mark in it, u + c v . features, with the same mean square error as in the first.
(Errors between that were drawn at random, each by itself, were tried first and misled nobody.) A policy is softmax(theta . features) over a prompt's answers, from theta = 0: so
what is learned of one answer is believed of others. Each of 40 updates (Adam) draws 8 answers to each prompt, credits each by its reward less the mean of the 8, and learns from
those that the filter keeps (clip, one step, the mean over what is kept). A seed is another world.

Arms: "all" 8, as multi-sample PPO; "two" at random, as many as most filters keep; "best and worst" (BW); "best and random" (BR); "best" (BoN). The learning rate of each is tuned,
by the mean of gold over updates in the first world.

Measured, exact, at the policy after every 4 updates: "gold" along "KL" from the start, "marks", "mean gold", "last gold". "R2": the coefficient of determination between reward and
gold of what each filter keeps of 64 groups of 8 from the start, before anything is learned; "choice": over the four filters but "two", the rank correlation of R2 with mean gold.

Source: Zhang et al. 2024, arXiv 2409.06957, abstract, and the authors' code (PF-PPO-RLHF: ``replay_buffer.py``, the README's table). There code models of 7 B, a critic,
and resampling by weights in the place of a filter. The smallest differences of interest: 0.01 of gold, 0.1 of a correlation.
"""

from statistics import fmean

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System, TunedBy
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.data.selection.rank_filter import RankFilter
from guerdon.evaluation.metrics.coefficient_of_determination import CoefficientOfDetermination
from guerdon.evaluation.metrics.rank_correlation import RankCorrelation
from guerdon.losses.surrogates.clip import Clip
from guerdon.randomness import generator

system = System(
    title="Policy Filtration in RLHF to Fine-Tune LLM for Code Generation",
    link="https://arxiv.org/abs/2409.06957",
    kind="method",
    builds_on=("rank-filter", "clip", "group-centred", "coefficient-of-determination"),
    read="code",
    note=(
        "The best and the worst of 8 are ahead of all 8 by 0.12 of gold at equal KL and 0.06 in the mean over updates (0.01 where the reward errs alike everywhere), and of two at "
        "random by 0.02. R2 finds the best filter and does not rank others (a rank correlation of 0.15): it grows with the spread of what is kept, and the best alone have 0.71, "
        "with less gold than the best and one at random, 0.63. All but two at random end near certainty, so that equal KL is on the way there."
    ),
)
PROMPTS, ANSWERS, FEATURES, GROUP, EVERY = 4, 256, 64, 8, 4
STEPS = {"smoke": 8, "full": 40}
recipe = {
    "all": RankFilter(best=GROUP, worst=0),
    "two": RankFilter(best=0, worst=0, others=2),
    "best and worst": RankFilter(),
    "best and random": RankFilter(best=1, worst=0, others=1),
    "best": RankFilter(best=1, worst=0),
}
GRID = {arm: {"learning_rate": (0.02, 0.04, 0.08, 0.16)} for arm in recipe}
TUNED_BY = TunedBy("mean gold")
claim = AllOf(
    BetterThan("best and worst", "all", on="mean gold", effect=0.01, matched="samples, updates"),
    AheadAlong("best and worst", "all", on="gold", along="KL", effect=0.01),
    AheadAlong("best and worst", "two", on="gold", along="KL", effect=0.01),
    BetterThan("filters", 0.5, on="choice", effect=0.1, matched="samples"),
)
SEEDS = {"smoke": 1, "full": 40, "tune": 4}


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    return learned(arm, World(seed), STEPS[scale], learning_rate)


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms, steps = {}, STEPS[scale]
    for arm, part in recipe.items():
        arms[arm] = learned(arm, World(seed), steps, **tuned[arm])
        arms[arm] |= {f"{name}, alike": value for name, value in learned(arm, World(seed, alike=True), steps, **tuned[arm]).items()}
        for label, alike in (("", False), (", alike", True)):
            arms[arm][f"R2{label}"] = told(part, World(seed, alike))
    compared = [arm for arm in recipe if arm != "two"]
    choice = {
        f"choice{label}": float(
            RankCorrelation()([arms[a][f"R2{label}"] for a in compared], [arms[a][f"mean gold{label}"] for a in compared])
        )
        for label in ("", ", alike")
    }
    return arms | {"filters": choice}


class World:
    """Answers, what they are worth, and what a reward says of them."""

    def __init__(self, seed: int, alike: bool = False) -> None:
        self.seed = seed
        directions = torch.randn(FEATURES, 2, dtype=torch.float64, generator=generator(seed, "worth and mark"))
        self.features = torch.randn(PROMPTS, ANSWERS, FEATURES, dtype=torch.float64, generator=generator(seed, "answers"))
        worth, mark = (self.features @ torch.linalg.qr(directions).Q).unbind(-1)
        self.gold, self.mark = torch.sigmoid(2 * (worth - 1)), mark
        between = torch.where(worth.abs() < 1, mark.clamp(-1, 1), worth)
        error = (between - worth).square().mean().sqrt()
        self.reward = worth + error * mark if alike else between

    def drawn(self, policy: Tensor, size: int, *purpose: object) -> tuple[Tensor, Tensor, Tensor]:
        """``size`` answers to each prompt: prompt, answer and reward [PROMPTS * size]."""
        answer = torch.multinomial(policy, size, replacement=True, generator=generator(self.seed, *purpose)).flatten()
        prompt = torch.arange(PROMPTS).repeat_interleave(size)
        return prompt, answer, self.reward[prompt, answer]


def learned(arm: str, world: World, steps: int, learning_rate: float) -> dict:
    """What an arm learns, and what it is worth along the way."""
    theta = torch.zeros(FEATURES, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([theta], lr=learning_rate)
    golds, kls, marks = {}, {}, {}
    for step in range(1, steps + 1):
        logp = (world.features @ theta).log_softmax(-1)
        prompt, answer, reward = world.drawn(logp.detach().exp(), GROUP, "update", step)
        mask = torch.ones(len(prompt), 1, dtype=torch.bool)
        advantage = GroupCentred(scale=None)(reward, prompt, mask)
        keep = recipe[arm](reward, prompt)
        now = logp[prompt, answer].unsqueeze(-1)
        optimiser.zero_grad()
        Clip()(now, now.detach(), advantage)[keep].mean().backward()
        optimiser.step()
        if step % EVERY == 0:
            policy = (world.features @ theta.detach()).softmax(-1)
            golds[step] = float((policy * world.gold).sum(-1).mean())
            kls[step] = float((policy * (policy * ANSWERS).log()).sum(-1).mean())
            marks[step] = float((policy * world.mark).sum(-1).mean())
    return {"gold": golds, "KL": kls, "marks": marks, "mean gold": fmean(golds.values()), "last gold": golds[steps]}


def told(part: RankFilter, world: World) -> float:
    """The R2 of what a filter keeps of the reference's answers."""
    uniform = torch.full((PROMPTS, ANSWERS), 1 / ANSWERS, dtype=torch.float64)
    rewards, golds = [], []
    for i in range(64 // PROMPTS):
        prompt, answer, reward = world.drawn(uniform, GROUP, "told", i)
        keep = part(reward, prompt)
        rewards.append(reward[keep])
        golds.append(world.gold[prompt, answer][keep])
    return float(CoefficientOfDetermination()(torch.cat(rewards), torch.cat(golds)))
