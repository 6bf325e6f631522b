"""ReZero: searching once more is paid for, if an answer is given in the end.

World: eight questions, up to six turns. A turn is one of four queries, or an answer, which ends it. A query finds what is needed with a chance of its own for each question,
from U(0, 0.5), each time anew, and the agent sees whether it was found. An answer is right with 0.9 where it was, else with 0.1. At first answering is e times as likely as
each query. A seed draws the chances.

Arms, all GRPO without a scale over 8 episodes for 60 steps, tuned by the accuracy in the end: "plain" (right answers and 0.5 for having found, as the authors' own match of
chunks), "retry" (the same and ReZero's bonus, times a weight), and "no patience needed", plain from a start at which answering is no likelier than a query: whether the bonus
is more than a nudge.

Exact, after 5, 10, 20, 40 and 60 steps: "accuracy"; "searches" of an episode; "again", the chance that one is made after one that found nothing; "peak", the highest accuracy
of these.

The smallest differences of interest: 0.02 of accuracy, 0.05 of the chance to search again.

Source: Dao and Le 2025, arXiv 2504.11001, abstract, and the authors' code (menloresearch/ReZero). There Llama-3.2-3B searches chunks of a report, with rewards for form,
strategy and diversity of queries besides, and an accuracy that peaks and falls. Chosen here: the world, and which of their rewards stand beside the bonus."""

import torch
from torch import Tensor

from guerdon.atlas import AheadAlong, AllOf, BetterThan, Knob, System
from guerdon.atlas.agents_tools._acting import Episodes, Judged, Process, learned
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.feedback.rewards.retry import Retry
from guerdon.randomness import generator

system = System(
    title="ReZero: Enhancing LLM search ability by trying one-more-time",
    link="https://arxiv.org/abs/2504.11001",
    kind="reward",
    builds_on=("retry", "group-centred"),
    read="code",
    note=(
        "The bonus adds nothing here to a plain reward with a rate of its own: the peak is the same within 0.02, and at equal searches it is behind by 0.05, "
        "since it pays for searching on where all is found. The authors' world is one in which a model does not find out by itself that searching again pays; "
        "here it does within ten steps."
    ),
)
QUESTIONS, TURNS, ANSWER = 8, 6, 4
STOPS = (5, 10, 20, 40, 60)
BONUS = Retry()
recipe = {"retry": BONUS}
claim = AllOf(
    BetterThan("retry", "plain", on="peak", effect=0.02, matched="samples, updates"),
    BetterThan("retry", "plain", on="again", at="last", effect=0.05, matched="samples, updates"),
    BetterThan("retry", "no patience needed", on="peak", effect=0.02, matched="samples, updates"),
    AheadAlong("retry", "plain", on="accuracy", along="searches", effect=0.02),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 3}
_RATES = {"learning_rate": (0.3, 0.6, 1.0, 2.0, 3.0, 6.0, 9.0, 18.0, 27.0)}
GRID = {
    "plain": _RATES,
    "no patience needed": _RATES,
    "retry": {"learning_rate": (1.0, 3.0, 9.0), "weight": Knob((0.1, 0.3, 1.0), least=0.0)},
}
TUNED_BY = "peak"


def searching(seed: int) -> tuple[Process, Tensor]:
    """Of each question two states, found or not; [S, A], what an answer is worth."""
    chance = 0.5 * torch.rand(QUESTIONS, ANSWER, dtype=torch.float64, generator=generator(seed, "queries"))
    size = 2 * QUESTIONS
    leads = torch.zeros(size + 1, ANSWER + 1, size + 1, dtype=torch.float64)
    for question in range(QUESTIONS):
        nothing, found = 2 * question, 2 * question + 1
        leads[nothing, :ANSWER, found] = chance[question]
        leads[nothing, :ANSWER, nothing] = 1 - chance[question]
        leads[found, :ANSWER, found] = 1.0
    leads[:, ANSWER, -1] = 1.0
    leads[-1] = 0.0
    leads[-1, :, -1] = 1.0
    right = torch.zeros(size + 1, ANSWER + 1, dtype=torch.float64)
    right[:-1, ANSWER] = torch.tensor([0.1, 0.9]).repeat(QUESTIONS)
    return Process(leads, 2 * torch.arange(QUESTIONS), TURNS), right


def trial(arm: str, seed: int, scale: str, learning_rate: float, weight: float = 0.0) -> dict:
    process, right = searching(seed)
    paid = torch.tensor([BONUS.worth(n) for n in range(TURNS + 1)], dtype=torch.float64)
    dice = generator(seed, "answers")

    def judge(episodes: Episodes) -> Judged:
        answered = (episodes.actions == ANSWER) & episodes.mask
        said = torch.rand(len(episodes.last), dtype=torch.float64, generator=dice) < episodes.total(right)
        found = (episodes.states % 2 * episodes.mask).amax(-1) > 0
        searches = episodes.mask.sum(-1) - answered.sum(-1)
        return {"reward": said.double() + 0.5 * found + weight * paid[searches] * answered.any(-1)}

    along: dict[str, dict[float, float]] = {name: {} for name in ("accuracy", "searches", "again")}

    def look(step: int, logits: Tensor, _: Episodes) -> None:
        if step in STOPS:
            visits = process.visits(logits)[0]
            along["accuracy"][step] = float((visits * right).sum())
            along["searches"][step] = float(visits[:, :ANSWER].sum())
            along["again"][step] = float(1 - logits.softmax(-1)[0:-1:2, ANSWER].mean())

    start = process.logits()
    start[:, ANSWER] = 0.0 if arm == "no patience needed" else 1.0
    steps = max(STOPS) if scale == "full" else 5
    learned(process, judge, GroupCentred(scale=None), learning_rate, steps, 8, seed, start, look)
    if scale != "full":
        along = {name: dict.fromkeys(STOPS, curve[5]) for name, curve in along.items()}
    return {**along, "peak": max(along["accuracy"].values())}
