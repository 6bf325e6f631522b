"""R1-Searcher++: a bonus for being right with fewer searches than others, and what was found is learned by heart, so that it need not be searched again.

World: sixteen questions with four answers each. A model answers at once, or searches and then reads the right answer, with 0.9. Half of the questions it knows at first (logit
3 for the right answer), the others not (0); searching has the logit 2. A seed draws which are known and which answers are right.

Arms: "outcome", "cost" (a price for each search, tuned), "bonus" (``fewest_calls``), "bonus and memory" (besides, after every step, the likelihood of the answer that was read
is raised among the answers, with a rate that is tuned, where something was found), and "cost and memory", a baseline with the same memory. GRPO without a scale, 8 episodes of
each question, 60 steps. "always" searches and learns nothing. Rates are tuned by accuracy less a tenth of a search.

Exact: "accuracy" and "calls", along 5, 10, 20, 40 and 60 steps; "worth" is accuracy - 0.1 calls at the end.

The smallest differences of interest: 0.02 of accuracy, 0.05 of a call.

Source: Song et al. 2025, arXiv 2505.17005, abstract; the authors' repository holds no code. There Qwen-2.5-7B, a cold start by SFT, REINFORCE++ and a second model that
rewrites what was found. Chosen here: the world, and the form of the bonus where the paper's numbers were not to be had."""

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, Knob, NoWorseThan, System
from guerdon.atlas.agents_tools._acting import Episodes, Judged, Process, learned
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.feedback.shaping.fewest_calls import FewestCalls
from guerdon.randomness import generator

system = System(
    title="R1-Searcher++: Incentivizing the Dynamic Knowledge Acquisition of LLMs via Reinforcement Learning",
    link="https://arxiv.org/abs/2505.17005",
    kind="method",
    builds_on=("fewest-calls", "group-centred", "negative-log-likelihood"),
    read="abstract",
    note=(
        "As accurate as searching always, and in the end next to never searching: what was found is known by heart. The bonus saves 0.30 of a call beside the "
        "outcome alone, but a plain price for each call, tuned, is worth as much (within 0.02 of accuracy less a tenth of a call), with memory and without."
    ),
)
QUESTIONS, ANSWERS, SEARCH, READ = 16, 4, 4, 0.9
STOPS = (5, 10, 20, 40, 60)
BONUS = FewestCalls()
recipe = {"bonus": BONUS}
claim = AllOf(
    NoWorseThan("bonus and memory", "always", on="accuracy", at="last", margin=0.02),
    BetterThan("bonus and memory", "always", on="calls", at="last", lower_is_better=True, effect=0.05),
    BetterThan("bonus and memory", "bonus", on="calls", at="last", lower_is_better=True, effect=0.05, matched="samples, updates"),
    BetterThan("bonus", "outcome", on="calls", at="last", lower_is_better=True, effect=0.05, matched="samples, updates"),
    BetterThan("bonus", "cost", on="worth", effect=0.02, matched="samples, updates"),
    BetterThan("bonus and memory", "cost and memory", on="worth", effect=0.02, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 12, "tune": 2}
_TWO = {"learning_rate": (9.0, 27.0, 81.0), "price": Knob((0.03, 0.1, 0.3), least=0.0)}
GRID = {
    "outcome": {"learning_rate": (3.0, 9.0, 18.0, 27.0, 45.0, 81.0, 160.0, 243.0, 486.0)},
    "cost": _TWO,
    "cost and memory": {"learning_rate": (9.0, 27.0, 81.0), "memory": Knob((0.3, 1.0, 3.0), least=0.0)},
    "bonus": {"learning_rate": (3.0, 9.0, 18.0, 27.0, 45.0, 81.0, 160.0, 243.0, 486.0)},
    "bonus and memory": {"learning_rate": (9.0, 27.0, 81.0), "memory": Knob((0.3, 1.0, 3.0), least=0.0)},
}
TUNED_BY = "worth"


def asking(seed: int) -> tuple[Process, Tensor, Tensor]:
    """A state for each question and one behind its search, in which it is read whatever is done; the right answers [Q]; the logits at first."""
    rng = generator(seed, "questions")
    right = torch.randint(0, ANSWERS, (QUESTIONS,), generator=rng)
    size = 2 * QUESTIONS
    leads = torch.zeros(size + 1, ANSWERS + 1, size + 1, dtype=torch.float64)
    leads[:, :, -1] = 1.0
    leads[:QUESTIONS, SEARCH] = 0.0
    leads[torch.arange(QUESTIONS), SEARCH, QUESTIONS + torch.arange(QUESTIONS)] = 1.0
    process = Process(leads, torch.arange(QUESTIONS), 2)
    start = process.logits()
    known = torch.randperm(QUESTIONS, generator=rng)[: QUESTIONS // 2]
    start[known, right[known]] = 3.0
    start[:QUESTIONS, SEARCH] = 2.0
    return process, right, start


def trial(arm: str, seed: int, scale: str, learning_rate: float, price: float = 0.1, memory: float = 0.0) -> dict:
    process, right, start = asking(seed)
    worth = torch.zeros(len(process.leads), ANSWERS + 1, dtype=torch.float64)
    worth[torch.arange(QUESTIONS), right] = 1.0
    worth[QUESTIONS:-1] = READ
    dice = generator(seed, "answers")
    charged = price if arm.startswith("cost") else 0.0

    def judge(episodes: Episodes) -> Judged:
        reward = (torch.rand(len(episodes.last), dtype=torch.float64, generator=dice) < episodes.total(worth)).double()
        calls = (episodes.mask.sum(-1) - 1).double()
        if arm.startswith("bonus"):
            return {"reward": BONUS(reward, episodes.group, calls)}
        return {"reward": reward - charged * calls}

    along: dict[str, dict[float, float]] = {"accuracy": {}, "calls": {}}

    def look(step: int, logits: Tensor, episodes: Episodes) -> Tensor | None:
        if step in STOPS:
            visits = process.visits(logits)[0]
            along["accuracy"][step], along["calls"][step] = float((visits * worth).sum()), float(visits[:, SEARCH][:QUESTIONS].sum())
        found = torch.unique(episodes.states[:, 1][episodes.mask[:, 1]]) - QUESTIONS
        if not memory or not len(found):
            return None
        known = logits.clone()
        guess = -logits[found, :ANSWERS].softmax(-1)
        guess[torch.arange(len(found)), right[found]] += 1.0  # the gradient of the log-likelihood, given that it is answered
        known[found, :ANSWERS] += memory * guess
        return known

    steps = max(STOPS) if scale == "full" else 5
    learned(process, judge, GroupCentred(scale=None), learning_rate, steps, 8, seed, start, look)
    if scale != "full":
        along = {name: dict.fromkeys(STOPS, curve[5]) for name, curve in along.items()}
    return {**along, "worth": along["accuracy"][STOPS[-1]] - 0.1 * along["calls"][STOPS[-1]]}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    arms["always"] = {"accuracy": dict.fromkeys(STOPS, READ), "calls": dict.fromkeys(STOPS, 1.0), "worth": READ - 0.1}
    return arms
