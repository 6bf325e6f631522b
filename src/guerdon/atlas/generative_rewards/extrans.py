"""ExTrans: a translation is paid by whether a judge finds it better than, as good as or worse than an exemplar's.

World: 100 sources with 24 translations, vectors x of 24 dimensions from N(0, 1), quality u . x with u of length 1. A judge that reads one takes its quality for quality +
leniency + 0.7 N(0, 1), the error anew each time; the leniency is N(0, 1) of the source and 0.7 N(0, 1) of the call. A seed is another world.

* "grades": the judge writes a whole number from 1 to 5, 3 + what it takes the quality for. "points": from 0 to 100, 60 + 15 times that.
* "exemplar": it reads the translation and the source's exemplar, the best of eight others, and says 1, better, where it takes it to be better by 0.5 or more, 0, worse, where
  worse by as much, else 1/2. "plain exemplar": the exemplar is one other, drawn alike.

A policy linear in x learns by GRPO on 70 sources: 4 sources a step, 8 translations each, rewards less their group's mean over its deviation, 16 steps. Rates are tuned by gold.
"gold" is the mean quality, above the uniform policy's, on the other 30 sources; along KL from the uniform policy.

Of the leniency GRPO sees what differs by calls; a comparison is one call, in which it is the same for both, but of two readings, with the errors of both. So the noise is the
same, and neither has to be ahead. (In a first draft leniency did not differ by calls, and points were ahead by 0.2; with more steps than these all arms learned all there was to
learn.)

Source: Wang et al. 2025, arXiv 2505.12996, abstract, introduction, and its authors' page (krystalan/DRT: an exemplar by DeepSeek-R1 for each source, with which translations are
compared). How the comparison is graded, and the judge, are ours. Translations by the policy itself wait for text. Smallest difference of interest: 0.05 of gold.
"""

from functools import lru_cache

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, System
from guerdon.atlas.generative_rewards._climbing import Climbing
from guerdon.feedback.rewards.against_reference import AgainstReference
from guerdon.randomness import generator

system = System(
    title="ExTrans: Multilingual Deep Reasoning Translation via Exemplar-Enhanced Reinforcement Learning",
    link="https://arxiv.org/abs/2505.12996",
    kind="application",
    builds_on=("grpo", "llm-judge", "reference-comparison-reward", "format-reward"),
    read="abstract",
    note=(
        "Better, as good or worse than a strong exemplar earns 0.04 less gold than points from 0 to 100, of about 1.65, and as much as "
        "grades from 1 to 5, where a comparison and a single look have the same noise: three grades say less than a hundred. At equal "
        "KL all are alike. A strong exemplar is ahead of a plain one by 0.05. Exemplars pay if a judge's leniency differs more by "
        "calls than its reading errs; GRPO takes care of what differs by sources."
    ),
)
SOURCES, SAID, WIDTH, OTHERS, BLUR, TIE, BATCH, EACH, STOPS = 100, 24, 24, 8, 0.7, 0.5, 4, 8, (0, 4, 8, 16)
LEARNED, HELD_OUT = range(70), range(70, 100)
recipe = {"exemplar": AgainstReference("judge.py:compare", column="exemplar", both_orders=False)}
claim = AllOf(
    BetterThan("exemplar", "grades", on="gold in the end", effect=0.05, matched="samples, updates"),
    BetterThan("exemplar", "points", on="gold in the end", effect=0.05, matched="samples, updates"),
    AheadAlong("exemplar", "points", on="gold", along="KL", effect=0.05),
    BetterThan("exemplar", "plain exemplar", on="gold in the end", effect=0.05, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 60, "tune": 4}
GRID = {arm: {"learning_rate": (0.3, 1.0, 3.0)} for arm in ("grades", "points", "plain exemplar", "exemplar")}
TUNED_BY = "gold in the end"


class World:
    def __init__(self, seed: int) -> None:
        rng = generator(seed, "world")

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, dtype=torch.float64, generator=rng)

        x, u = normal(SOURCES, SAID + OTHERS, WIDTH), normal(WIDTH)
        quality = x @ (u / u.norm())
        self.x, self.quality, others = x[:, :SAID], quality[:, :SAID], quality[:, SAID:]
        self.lenient = normal(SOURCES, 1)
        self.exemplars = {"exemplar": others.amax(-1, keepdim=True), "plain exemplar": others[:, :1]}


@lru_cache(maxsize=2)
def world(seed: int) -> World:
    return World(seed)


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    here, rng = world(seed), generator(seed, "judge")

    def reading(quality: Tensor) -> Tensor:
        return quality + BLUR * torch.randn(quality.shape, dtype=torch.float64, generator=rng)

    def paid(sources: Tensor, said: Tensor) -> Tensor:
        found = reading(here.quality[sources].gather(1, said))
        if arm in here.exemplars:
            gap = found - reading(here.exemplars[arm][sources].expand_as(found))
            reward = 0.5 + (gap * (gap.abs() >= TIE)).sign() / 2
        else:
            found = found + here.lenient[sources] + BLUR * torch.randn(found.shape, dtype=torch.float64, generator=rng)
            reward = (3 + found).round().clamp(1, 5) if arm == "grades" else (60 + 15 * found).round().clamp(0, 100)
        centred = reward - reward.mean(1, keepdim=True)
        return centred / (centred.square().mean(1, keepdim=True).sqrt() + 1e-4)

    def measured(logp: Tensor) -> dict[str, float]:
        return {"gold": float((logp.exp() * here.quality[HELD_OUT]).sum(-1).mean() - here.quality[HELD_OUT].mean())}

    stops = STOPS[:2] if scale == "smoke" else STOPS
    curves = Climbing(here.x, LEARNED, HELD_OUT).climbed(paid, learning_rate, seed, stops, BATCH, EACH, measured)
    return curves | {"gold in the end": curves["gold"][stops[-1]]}
