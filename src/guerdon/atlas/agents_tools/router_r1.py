"""Router-R1: a policy asks models that differ in skill and price, one after the other, and is paid for being right and for what it saved.

World: questions with two parts, of three kinds each: nine prompts. Four models cost 1, 2, 4 and 8 a call; each is right about a kind with a chance from U(0.2, 0.9), the
dearest from U(0.6, 0.95). A reply sounds sure: with 0.8 where it is right, with 0.3 where it is wrong. In a turn the router asks a model about the part that is open, or takes
the last reply and goes on to the next part; without one it guesses, right with 0.1. Eight turns at most. It sees the kinds, the part and whether the last reply sounded sure,
and not whether it is right. A seed draws the skills.

Arms: "Router-R1", GRPO without a scale on ``priced``, and "sum", on (1 - alpha) right + alpha saving without its condition, 16 episodes a prompt, 100 steps, at alpha 0, 0.3
and 0.6; rates tuned by the mean over alpha of accuracy less a hundredth of the price. Exact frontiers besides: "one model" for all questions; "one-shot router", which sends a
whole question to one model; "router of parts", which asks one model about each part and takes what it says: a baseline that divides questions too, at its best for each price.

"accuracy" and "price", exact, along alpha (for the frontiers along how much a unit of price is weighed); "best" is the highest accuracy.

The smallest differences of interest: 0.02 of accuracy.

Source: Zhang, Feng and You 2025, arXiv 2506.09033, abstract, and the authors' code (ulab-uiuc/Router-R1). There Qwen2.5-3B routes to six models and answers questions of
several hops, with PPO. Chosen here: the world; a saving is 1 less the root of the share of the highest price that can be paid."""

from functools import lru_cache

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, FallsWith, System
from guerdon.atlas.agents_tools._acting import Episodes, Judged, Process, learned
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.feedback.combining.priced import Priced
from guerdon.feedback.combining.weigh import Weigh
from guerdon.randomness import generator

system = System(
    title="Router-R1: Teaching LLMs Multi-Round Routing and Aggregation via Reinforcement Learning",
    link="https://arxiv.org/abs/2506.09033",
    kind="method",
    builds_on=("priced", "group-centred"),
    read="code",
    note=(
        "Asking round by round is 0.16 [0.14, 0.18] ahead of choosing once, and 0.14 of a router that asks one model about each part; the price falls with alpha. At "
        "equal price it is 0.010 [0.001, 0.020] ahead of a plain weighted sum. On some seed the router of parts and it have no price in common, which leaves their "
        "comparison at equal price undecided."
    ),
)
KINDS, PRICES, TURNS, GUESS, SURE = 3, torch.tensor([1.0, 2.0, 4.0, 8.0, 0.0], dtype=torch.float64), 8, 0.1, (0.3, 0.8)
MODELS, ON = 4, 4
ALPHAS = (0.0, 0.3, 0.6)
recipe = {"Router-R1": Priced(form="", score="right", alpha=0.6), "sum": Weigh({"right": 0.4, "saving": 0.6})}
claim = AllOf(
    BetterThan("Router-R1", "one model", on="best", effect=0.02),
    BetterThan("Router-R1", "one-shot router", on="best", effect=0.02),
    BetterThan("Router-R1", "router of parts", on="best", effect=0.02),
    FallsWith("Router-R1", on="price"),
    AheadAlong("Router-R1", "router of parts", on="accuracy", along="price", effect=0.02),
    AheadAlong("Router-R1", "sum", on="accuracy", along="price", effect=0.02),
)
SEEDS = {"smoke": 1, "full": 10, "tune": 2}
GRID = {arm: {"learning_rate": (9.0, 27.0, 81.0)} for arm in ("sum", "Router-R1")}
TUNED_BY = "worth"


def skills(seed: int) -> Tensor:
    """[models, kinds]"""
    rng = generator(seed, "skills")
    found = 0.2 + 0.7 * torch.rand(MODELS, KINDS, dtype=torch.float64, generator=rng)
    found[-1] = 0.6 + 0.35 * torch.rand(KINDS, dtype=torch.float64, generator=rng)
    return found


@lru_cache(maxsize=2)
def routing(seed: int) -> tuple[Process, Tensor]:
    """A state is (prompt, part, no reply / unsure / sure, last reply right, all right so far), then solved, failed, the end. And what is earned, [S, A]."""
    skill = skills(seed)
    index = torch.arange(KINDS * KINDS * 2 * 3 * 4).view(KINDS * KINDS, 2, 3, 2, 2)
    size = index.numel()
    leads = torch.zeros(size + 1, MODELS + 1, size + 1, dtype=torch.float64)
    earned = torch.zeros(size + 1, MODELS + 1, dtype=torch.float64)
    seen = torch.zeros(size + 1, dtype=torch.long)
    for prompt in range(KINDS * KINDS):
        for part in range(2):
            kind = (prompt // KINDS, prompt % KINDS)[part]
            for reply in range(3):
                for right in range(2):
                    for so_far in range(2):
                        state = int(index[prompt, part, reply, right, so_far])
                        seen[state] = (prompt * 2 + part) * 3 + reply
                        for model in range(MODELS):
                            for then, chance in ((1, float(skill[model, kind])), (0, 1 - float(skill[model, kind]))):
                                leads[state, model, index[prompt, part, 2, then, so_far]] += chance * SURE[then]
                                leads[state, model, index[prompt, part, 1, then, so_far]] += chance * (1 - SURE[then])
                        passed = GUESS if reply == 0 else float(right)
                        if part == 0:
                            leads[state, ON, index[prompt, 1, 0, 0, so_far]] += passed
                            leads[state, ON, index[prompt, 1, 0, 0, 0]] += 1 - passed
                        else:
                            leads[state, ON, -1] = 1.0
                            earned[state, ON] = passed * so_far
    leads[-1, :, -1] = 1.0
    seen[-1] = KINDS * KINDS * 6
    return Process(leads, index[:, 0, 0, 0, 1], TURNS, seen), earned


def trained(arm: str, alpha: float, seed: int, steps: int, learning_rate: float) -> tuple[float, float]:
    """Accuracy and price of what is learned."""
    process, earned = routing(seed)
    cost = PRICES.expand(len(process.leads), -1)
    combine = Priced(form="", score="right", alpha=alpha) if arm == "Router-R1" else Weigh({"right": 1 - alpha, "saving": alpha})
    dice = generator(seed, "answers")

    def judge(episodes: Episodes) -> Judged:
        right = (torch.rand(len(episodes.last), dtype=torch.float64, generator=dice) < episodes.total(earned)).double()
        saving = 1 - (episodes.total(cost) / (TURNS * PRICES.max())).sqrt()
        return {"reward": combine({"right": right, "saving": saving})}

    visits = process.visits(learned(process, judge, GroupCentred(scale=None), learning_rate, steps, 16, seed))[0]
    return float((visits * earned).sum()), float((visits * cost).sum())


def frontiers(seed: int) -> dict[str, dict]:
    """Those that nothing has to be learned for, at three weights of a unit of price."""
    skill, price = skills(seed), PRICES[:MODELS]
    first, second = torch.cartesian_prod(torch.arange(KINDS), torch.arange(KINDS)).T
    whole = skill[:, first] * skill[:, second]  # [models, prompts]
    parts = (skill[:, None, first] * skill[None, :, second]).flatten(0, 1)
    paid = (price[:, None] + price[None]).flatten()
    arms: dict[str, dict] = {}
    for name, right, cost, apart in (
        ("one model", whole, 2 * price, False),
        ("one-shot router", whole, 2 * price, True),
        ("router of parts", parts, paid, True),
    ):
        curves: dict[str, dict[float, float]] = {"accuracy": {}, "price": {}}
        for alpha, weighed in zip(ALPHAS, (0.0, 0.03, 0.2), strict=True):
            value = right - weighed * cost.unsqueeze(-1)
            chosen = value.argmax(0) if apart else value.mean(-1).argmax().expand(right.shape[1])
            curves["accuracy"][alpha] = float(right[chosen, torch.arange(right.shape[1])].mean())
            curves["price"][alpha] = float(cost[chosen].mean())
        arms[name] = {**curves, "best": max(curves["accuracy"].values())}
    return arms


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    steps = 3 if scale == "smoke" else 100
    points = {alpha: trained(arm, alpha, seed, steps, learning_rate) for alpha in ALPHAS}
    accuracy, price = ({alpha: point[i] for alpha, point in points.items()} for i in range(2))
    worth = sum(a - 0.01 * p for a, p in points.values()) / len(points)
    return {"accuracy": accuracy, "price": price, "best": max(accuracy.values()), "worth": worth}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    return {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()} | frontiers(seed)
