"""SPARK: what was verified of a policy's answers becomes questions about them, on which the same policy is trained beside the task.

World: six letters of eight are sorted (``worlds.text.sort_letters``). A policy of two layers is fitted to 300 demonstrations and to 300 questions of each of three kinds: is
this answer right (Y or N), which of two is (A or B), a third of whose answers are false, and what is it really, given a wrong one. A seed is another world and other weights.

Arms, eight rounds of twelve steps of GRPO without its KL, each on 16 prompts with 8 answers, rewarded where an answer is the one that is known: "RLVR" (all prompts are of the
task, the baseline); "SPARK" (half of a round's prompts are made of the policy's own answers as the round begins, four to each of 96 problems of the task, verified:
``verdict_prompts``, and ``refinement_prompts`` of wrong ones, half and half); "stale" (the same, of the answers that the policy gave at the start, so that its questions do
not follow it). All see as many prompts and answers. Optimisers begin anew with each round. Tuned alike: the learning rate, by the accuracy on the task.

Measured on held-out problems, greedily, at the end: "accuracy" of 256 answers; "judging", of verdicts about them, one or two of four sampled answers of the policy at the
start to each problem, so that all arms judge the same; and "revised", the accuracy where an answer that the policy itself calls wrong is asked for anew. That training to
judge makes a better judge than none is so by construction. The smallest differences of interest: 0.05 of judging, 0.03 of accuracy.

A first task was solved at the start (0.97), and the answers to its questions of the third kind were random: seen on a seed, and changed.

Source: Liu et al. 2025, arXiv 2509.22624, its abstract and its authors' code (InternLM/Spark, ``new_data_gen.py`` and its scripts: one verdict for each prompt, pairs with
probability 0.7 where there are both kinds, wrong answers given back, up to 32 of each beside 64 prompts, 8 answers). There models of 7 and 32 B that see images. Chosen here:
the world, equal halves, rounds.
"""

import random
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, NoWorseThan, System
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.scales.group_deviation import GroupDeviation
from guerdon.data.curation.refinement_prompts import RefinementPrompts
from guerdon.data.curation.verdict_prompts import VerdictPrompts
from guerdon.data.examples import examples
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.models import Policy
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.randomness import derive
from guerdon.sequences import Decoding
from guerdon.training.jobs import copy_of, encoder_for, scene_for
from guerdon.training.loops.fit import fit
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.worlds.text.sort_letters import SortLetters

system = System(
    title="SPARK: Synergistic Policy And Reward Co-Evolving Framework",
    link="https://arxiv.org/abs/2509.22624",
    kind="method",
    builds_on=("grpo", "verdict-prompts", "refinement-prompts"),
    read="code",
    note=(
        "Half of the prompts spent on judging cost accuracy of the task (0.05) and made answers that are asked for anew worse "
        "(0.03), for a gain in judging of 0.03 that is undecided; questions about old answers do as well as questions about the "
        "policy's own (0.02). A policy of two layers has little room for both."
    ),
)
ROUNDS, STEPS, BATCH, ALPHABET, LENGTH = 8, 12, 16, "abcdefgh", 6
VERDICTS = VerdictPrompts(asks="{prompt}{completion}?", compares="{prompt}{first}|{second}?", says=("Y", "N"))
MENDING = RefinementPrompts(below=0.5, asks="{prompt}{completion}!")
LONGEST = Decoding(LENGTH + 1)


def grpo(learning_rate: float) -> Recipe:
    return Recipe((Term(Clip(0.2), reduce=SequenceMean()),), AdamW(learning_rate), Group(8), advantage=GroupCentred(GroupDeviation()))


sft = Recipe((Term(NegativeLogLikelihood(), reduce=SequenceMean()),), AdamW(Linear(3e-3, warmup=0.1)))
recipe = {"RLVR": grpo(1e-4), "SPARK": {"GRPO": grpo(1e-4), "verdicts": VERDICTS, "mending": MENDING}}
_KNOBS = {"learning_rate": (0.00003, 0.0001, 0.0003)}
GRID = dict.fromkeys(("RLVR", "stale", "SPARK"), _KNOBS)
TUNED_BY = "accuracy"
claim = AllOf(
    BetterThan("SPARK", "RLVR", on="judging", effect=0.05, matched="samples, updates", by_construction=True),
    BetterThan("SPARK", "stale", on="judging", effect=0.05, matched="samples, updates"),
    NoWorseThan("SPARK", "RLVR", on="accuracy", margin=0.03, matched="samples, updates"),
    BetterThan("SPARK", "RLVR", on="revised", effect=0.03, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 8, "tune": 2}


@dataclass(frozen=True)
class Asked:
    """Rows to be answered, with the answers that are right."""

    rows: tuple[dict[str, Any], ...]
    reward = StringMatch()

    def train(self) -> list[dict[str, Any]]:
        return list(self.rows)

    test = train


def said(policy: Policy, rows: list[dict[str, Any]], seed: int, each: int = 1, greedy: bool = False) -> tuple[list[str], list[float]]:
    """``each`` answers to every row, and whether they are right."""
    scene = scene_for(policy, Asked(tuple(rows)), {}, {})
    try:
        drawn = Group(each)(policy, scene.contexts(rows), replace(LONGEST, temperature=0.0 if greedy else 1.0), seed)
        judged = scene.judge(drawn, rows, seed)
        return judged.completions, next(iter(judged.scored.components.values())).tolist()
    finally:
        scene.close()


def recycled(policy: Policy, rows: list[dict[str, Any]], seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Verdicts, and wrong answers to be mended, of four answers to every row."""
    texts, scores = said(policy, rows, seed, each=4)
    seen = [{**row, "completions": texts[4 * i : 4 * i + 4], "scores": scores[4 * i : 4 * i + 4]} for i, row in enumerate(rows)]
    return replace(VERDICTS, seed=seed)(seen), MENDING(seen)


class Start:
    """What one seed begins with: the world, the policy, and what is judged by everyone in the end."""

    def __init__(self, seed: int, scale: str):
        self.seed, small = seed, scale == "smoke"
        self.world = SortLetters(LENGTH, ALPHABET, seed=seed)
        self.rounds, self.steps, self.held_out = (1, 1, 8) if small else (ROUNDS, STEPS, 256)
        self.policy = SmallLanguageModel(ALPHABET + ">?|!YNAB", 1 if small else 2, 16 if small else 64, 2, 32).build(seed)
        shown = self.world.demonstrations(12 if small else 300)
        fit(
            self.policy,
            examples(shown + _forms(shown, seed), encoder_for(self.policy)),
            sft,
            Budget(2 if small else 150, batch_size=8 if small else 64, seed=seed),
        )
        self.test = list(self.world.test()[: self.held_out])
        self.judged = recycled(self.policy, self.test, derive(seed, "judged"))[0]
        self.problems = self.world.train()

    def taken(self, round: int, n: int, what: str) -> list[dict[str, Any]]:
        """Problems of the task for a round."""
        begin = (0 if what == "answered" else 100_000) + 1000 * round
        return list(self.problems[begin : begin + n])


def _forms(shown: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Questions of every kind; two verdicts of three are right."""
    draw, rows = random.Random(derive(seed, "forms")), []
    for row in shown:
        right, wrong = row["completion"], _spoilt(row["completion"], draw)
        good, first = draw.random() < 0.5, draw.random() < 0.5
        one, other = (right, wrong) if first else (wrong, right)
        rows.append({"prompt": f"{row['prompt']}{right if good else wrong}?", "completion": "YN"[good ^ (draw.random() < 2 / 3)]})
        rows.append({"prompt": f"{row['prompt']}{one}|{other}?", "completion": "AB"[first ^ (draw.random() < 2 / 3)]})
        rows.append({"prompt": f"{row['prompt']}{wrong}!", "completion": right})
    return rows


def _spoilt(text: str, draw: random.Random) -> str:
    """The text with another letter in one place."""
    place = draw.randrange(len(text))
    return text[:place] + draw.choice([c for c in ALPHABET if c != text[place]]) + text[place + 1 :]


start = lru_cache(maxsize=4)(Start)


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    here = start(seed, scale)
    policy, each = copy_of(here.policy), here.steps * BATCH
    for round in range(here.rounds):
        rows = here.taken(round, each, "answered")
        if arm != "RLVR":
            who = here.policy if arm == "stale" else policy
            verdicts, wrong = recycled(who, here.taken(round, each // 2, "recycled"), derive(seed, "recycled", round))
            wrong = wrong[: each // 4]
            made = verdicts[: each // 2 - len(wrong)] + wrong
            rows = rows[: each - len(made)] + made
        task = Asked(tuple({"prompt": row["prompt"], "answer": row["answer"]} for row in rows))
        scene = scene_for(policy, task, {}, {})
        try:
            improve(
                policy, scene, task.train(), grpo(learning_rate), Budget(here.steps, batch_size=BATCH, seed=derive(seed, round)), LONGEST
            )
        finally:
            scene.close()
    return measured(policy, here)


def measured(policy: Policy, here: Start) -> dict[str, float]:
    texts, right = said(policy, here.test, 0, greedy=True)
    own = [{"prompt": f"{row['prompt']}{text}?", "answer": "N"} for row, text in zip(here.test, texts, strict=True)]
    doubted = said(policy, own, 0, greedy=True)[1]
    anew = [{"prompt": f"{row['prompt']}{text}!", "answer": row["answer"]} for row, text in zip(here.test, texts, strict=True)]
    second = said(policy, anew, 0, greedy=True)[1]
    revised = [after if doubt else before for before, doubt, after in zip(right, doubted, second, strict=True)]
    judging = said(policy, here.judged, 0, greedy=True)[1]
    return {name: sum(of) / len(of) for name, of in (("accuracy", right), ("judging", judging), ("revised", revised))}


def experiment(seed: int, scale: str, tuned: dict) -> dict:
    return {
        "start": measured(start(seed, scale).policy, start(seed, scale)),
        **{arm: trial(arm, seed, scale, **own) for arm, own in tuned.items()},
    }
