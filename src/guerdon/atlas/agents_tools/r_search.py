"""R-Search: an answer is paid for, and so is evidence from which another model finds the answer too, and form.

World: eight questions of two hops, up to six turns. A turn is one of four queries, or the end: evidence is written down (none, what was found last, or all that was found) and an
answer given, in form or out of it. A query finds the next hop with a chance of its own for each question and hop, from U(0.1, 0.7), each time anew, and the policy sees how many
hops it has. With both an answer is right with 0.9 where all of the evidence was written down, 0.8 with the last of it, 0.7 without; with one hop with 0.3, with none with 0.1.
Another model finds the answer from both hops with 0.85, from one with 0.3, from nothing with 0.05. Out of form nothing is paid and nothing is right. At first each query is e
times as likely as each end (where ends were likelier, no arm came to search). A seed draws the chances.

Arms, GRPO without a scale over 8 episodes for 60 steps: "answer"; "answer and form"; "R-Search", with evidence and 0.2 for the form of each; "two answers", in which the second
number is whether another draw of the policy's own answer is right: more of the same signal, and not another; "hops", in which it is the share of hops that was found, which
somebody has to know. Rates are tuned by "area", the mean of "right" along 5, 10, 20, 40 and 60 steps. "one search" is a pipeline that asks the best query for the first hop once
and writes down what it finds.

"right": the chance that the answer is, exact. "whole": that all of the evidence is written down in the end.

The smallest difference of interest: 0.02.

Source: Zhao et al. 2025, arXiv 2506.04185, abstract, and the authors' code (QingFei1/R-Search, ``qa_f1.py``: F1 + F1 of the reader + 0.2 + 0.2). There Qwen2.5-3B and 7B, PPO and
GRPO, seven sets of questions. Chosen here: the world, in which F1 is right or wrong and a table takes the reader's place."""

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.agents_tools._acting import Episodes, Judged, Process, learned
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.feedback.combining.weigh import Weigh
from guerdon.randomness import generator

system = System(
    title="R-Search: Empowering LLM Reasoning with Search via Multi-Reward Reinforcement Learning",
    link="https://arxiv.org/abs/2506.04185",
    kind="method",
    builds_on=("evidence-sufficiency", "token-f1", "weigh", "group-centred"),
    read="code",
    note=(
        "Evidence and form earn nothing here beside the answer alone: 0.08 behind it along the way, and in the end not told apart from it (-0.02 [-0.07, 0.02]), though all of the "
        "evidence is written down more often (0.54 beside 0.42). Form, and part of the evidence, pay for ending at once, before anything was found, which an answer alone "
        "does not; and what it earns by more signal, another draw of the policy's own answer and the share of hops found earn too, and more of it."
    ),
)
QUESTIONS, QUERIES, TURNS, HOPS = 8, 4, 6, 2
NONE, LAST, ALL = range(3)  # of the evidence; in form, then out of it
STOPS = (5, 10, 20, 40, 60)
RIGHT = {0: (0.1, 0.1, 0.1), 1: (0.3, 0.3, 0.3), 2: (0.7, 0.8, 0.9)}  # by the hops that were found
READ = {0: (0.05, 0.05, 0.05), 1: (0.05, 0.3, 0.3), 2: (0.05, 0.3, 0.85)}
recipe = {
    "answer": Weigh({"answer": 1.0}),
    "answer and form": Weigh({"answer": 1.0, "form": 0.4}),
    "two answers": Weigh({"answer": 1.0, "again": 1.0, "form": 0.4}),
    "hops": Weigh({"answer": 1.0, "hops": 1.0, "form": 0.4}),
    "R-Search": Weigh({"answer": 1.0, "evidence": 1.0, "form": 0.4}),
}
claim = AllOf(
    BetterThan("R-Search", "answer", on="right", at="last", effect=0.02, matched="samples, updates"),
    BetterThan("R-Search", "answer", on="area", effect=0.02, matched="samples, updates"),
    BetterThan("R-Search", "two answers", on="area", effect=0.02, matched="samples, updates"),
    BetterThan("R-Search", "hops", on="area", effect=0.02, matched="samples, updates"),
    BetterThan("R-Search", "one search", on="right", at="last", effect=0.02, by_construction=True),
)
SEEDS = {"smoke": 1, "full": 20, "tune": 2}
GRID = {arm: {"learning_rate": (9.0, 27.0, 81.0)} for arm in recipe}
TUNED_BY = "area"


def searching(seed: int) -> tuple[Process, dict[str, Tensor], Tensor]:
    """Of each question three states, by hops; [S, A] each, what an end is worth; [Q, hops, queries], the chances."""
    chance = 0.1 + 0.6 * torch.rand(QUESTIONS, HOPS, QUERIES, dtype=torch.float64, generator=generator(seed, "queries"))
    size, actions = (HOPS + 1) * QUESTIONS, QUERIES + 6
    leads = torch.zeros(size + 1, actions, size + 1, dtype=torch.float64)
    leads[:, QUERIES:, -1] = 1.0
    leads[-1, :, -1] = 1.0
    worth = {name: torch.zeros(size + 1, actions, dtype=torch.float64) for name in ("answer", "evidence", "form", "hops", "whole")}
    for question in range(QUESTIONS):
        for hops in range(HOPS + 1):
            here = (HOPS + 1) * question + hops
            found = chance[question, hops] if hops < HOPS else torch.zeros(QUERIES, dtype=torch.float64)
            leads[here, :QUERIES, here + 1] = found
            leads[here, :QUERIES, here] = 1 - found
            ends = slice(QUERIES, QUERIES + 3)
            worth["answer"][here, ends] = torch.tensor(RIGHT[hops], dtype=torch.float64)
            worth["evidence"][here, ends] = torch.tensor(READ[hops], dtype=torch.float64)
            worth["form"][here, ends] = 1.0
            worth["hops"][here, ends] = hops / HOPS
            worth["whole"][here, QUERIES + ALL] = float(hops == HOPS)
    return Process(leads, (HOPS + 1) * torch.arange(QUESTIONS), TURNS), worth, chance


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    process, worth, _ = searching(seed)
    dice = generator(seed, "answers")

    def judge(episodes: Episodes) -> Judged:
        def drawn(name: str) -> Tensor:
            return (torch.rand(len(episodes.last), dtype=torch.float64, generator=dice) < episodes.total(worth[name])).double()

        known = {"answer": drawn("answer"), "again": drawn("answer"), "evidence": drawn("evidence")}
        known |= {"form": episodes.total(worth["form"]), "hops": episodes.total(worth["hops"])}
        return {"reward": recipe[arm]({name: known[name] for name in recipe[arm].weights})}

    along: dict[str, dict[float, float]] = {"right": {}, "whole": {}}

    def look(step: int, logits: Tensor, _: Episodes) -> None:
        if step in STOPS:
            visits = process.visits(logits)[0]
            for name, table in (("right", "answer"), ("whole", "whole")):
                along[name][float(step)] = float((visits * worth[table]).sum())

    start = process.logits()
    start[:, QUERIES:] = -1.0
    learned(process, judge, GroupCentred(scale=None), learning_rate, max(STOPS) if scale == "full" else 5, 8, seed, start, look)
    if scale != "full":
        along = {name: dict.fromkeys(map(float, STOPS), curve[5.0]) for name, curve in along.items()}
    return {**along, "area": sum(along["right"].values()) / len(STOPS)}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    arms = {arm: trial(arm, seed, scale, **setting) for arm, setting in tuned.items()}
    first = searching(seed)[2][:, 0].amax(-1)
    right = float((first * RIGHT[1][ALL] + (1 - first) * RIGHT[0][ALL]).mean())
    arms["one search"] = {"right": dict.fromkeys(map(float, STOPS), right), "whole": dict.fromkeys(map(float, STOPS), 0.0), "area": right}
    return arms
