"""Figures that others published, and what the model of costs says in their place. Nothing is fitted to them.

Of their settings what is known is used: model, cards, lengths, completions, whether activations are computed again, how many cards draw. What is not known is assumed
alike for all: lengths are spread as in ``guerdon.costs.lengths``, gradients and weights travel while something else is computed, completions are dealt out evenly, each is read
with its own copy of the prompt.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from guerdon.costs.learning import forward_s
from guerdon.costs.lengths import spread
from guerdon.costs.machine import GB200, H20, H100, H200, H800, ON_CARDS, Card
from guerdon.costs.memory import rows_at_once
from guerdon.costs.step import Ahead, Design, Job, Seconds, ahead, in_turn
from studies.scale import _models as models

THEIRS = Design(by_prompt=False, objects=False, told_bytes=0.0, exchanges=0, hidden=True, whole=False, mixes=True)


@dataclass(frozen=True)
class Published:
    """One figure.

    Attributes:
        kind: what it says something about: ``learning``, ``in turn``, ``ahead``, ``drawing``, ``speed-up``.
        unit: of the figure.
        value, predicted: theirs and ours; where the unit is not seconds more is faster.
        assumed: what the source leaves open.
    """

    source: str
    what: str
    kind: str
    unit: str
    value: float
    predicted: float
    assumed: str = ""

    @property
    def slower(self) -> float:
        """By what factor the published step is slower than the predicted one (a speed-up: larger)."""
        return self.predicted / self.value if self.unit.endswith("/s") else self.value / self.predicted


PRIME = "https://github.com/PrimeIntellect-ai/prime-rl/tree/main/benchmarks/baselines"
NEMO_5 = "https://docs.nvidia.com/nemo/rl/0.5.0/about/performance-summary.html"
NEMO_6 = "https://docs.nvidia.com/nemo/rl/0.6.0/about/performance-summary.html"
VERL = "https://verl.readthedocs.io/en/latest/advance/fully_async.html"
AREAL = "https://github.com/inclusionAI/AReaL/blob/main/blog/AReaL_v0_3.md"
SOURCES = {"prime-rl": PRIME, "NeMo-RL 0.5": NEMO_5, "NeMo-RL 0.6": NEMO_6, "verl": VERL, "AReaL": AREAL}


def figures(small: bool = False) -> list[Published]:
    """All of them, or those of which the completions are few."""
    return [*_prime(), *_nemo()] if small else [*_prime(), *_nemo(), *_verl(), *_areal()]


def _prime() -> list[Published]:
    """A trainer alone: two texts a card of the full length."""
    rows = [
        ("Qwen3-0.6B, SFT, 16k, 1 H100", models.QWEN3_0_6B, H100, 1, 16384, 25486),
        ("Qwen3-0.6B, RL, 16k, 1 H100", models.QWEN3_0_6B, H100, 1, 16384, 11896),
        ("Qwen3-0.6B, RL, 65k, 1 H100", models.QWEN3_0_6B, H100, 1, 65536, 10147),
        ("Qwen3-4B, RL, 16k, 8 H200", models.QWEN3_4B, H200, 8, 16384, 27437),
        ("Qwen3-4B, RL, 65k, 8 H200", models.QWEN3_4B, H200, 8, 65536, 29544),
        ("Qwen3-4B, RL, 65k, 8 H100", models.QWEN3_4B, H100, 8, 65536, 28966),
    ]
    found = []
    for what, shape, card, cards, length, value in rows:
        job = Job(shape, 2 * cards, 0, (float(length),) * 2 * cards, draws=False, again=True)
        tokens = 2 * cards * length / in_turn(job, ON_CARDS.on(card, cards), cards, THEIRS).total
        found.append(Published("prime-rl", what, "learning", "tokens/s", value, tokens))
    return found


def _nemo() -> list[Published]:
    """Whole loops: 64 prompts, 32 completions each."""
    eight, dense, mixture = models.LLAMA_8B, models.QWEN3_32B, models.QWEN3_30B_A3B
    open_ = "prompts of 120 tokens"
    rows = [
        ("NeMo-RL 0.5", "Llama-3.1-8B, 16 H100, in turn", eight, H100, 16, 0, 1019, 1, True, 92.8),
        ("NeMo-RL 0.5", "Llama-3.1-8B, 8 + 8 H100, one step ahead", eight, H100, 16, 8, 1123, 1, True, 64.8),
        ("NeMo-RL 0.5", "Qwen3-32B, 32 H100, in turn", dense, H100, 32, 0, 3251, 4, False, 376),
        ("NeMo-RL 0.5", "Qwen3-32B, 32 + 32 H100, one step ahead", dense, H100, 64, 32, 3252, 4, False, 200),
        ("NeMo-RL 0.6", "Qwen3-30B-A3B, 32 H100, in turn", mixture, H100, 32, 0, 3203, 2, False, 192),
        ("NeMo-RL 0.6", "Qwen3-30B-A3B, 16 + 16 H100, one step ahead", mixture, H100, 32, 16, 3201, 2, False, 152),
        ("NeMo-RL 0.6", "Qwen3-30B-A3B, 16 GB200, in turn", mixture, GB200, 16, 0, 3199, 1, False, 221),
        ("NeMo-RL 0.6", "Qwen3-30B-A3B, 8 + 8 GB200, one step ahead", mixture, GB200, 16, 8, 3197, 1, False, 301),
    ]
    found = []
    for source, what, shape, card, cards, drawing, mean, tensor, again, value in rows:
        job = Job(shape, 64, 120, tuple(spread(2048, mean - 120, 4096 - 120)), looks=2, again=again, shared=False)
        seconds = _step_s(job, card, cards, drawing, replace(THEIRS, tensor=tensor))
        found.append(Published(source, what, "ahead" if drawing else "in turn", "s", value, seconds, open_))
    return found


def _verl() -> list[Published]:
    """512 prompts of which nobody says how long the answers are: deduced from one figure, the pass without gradients on 32 cards, and the eleven others predicted."""
    design = replace(THEIRS, tensor=4)

    def job(mean: float) -> Job:
        return Job(models.QWEN25_7B, 512, 200, tuple(spread(8192, mean, 28 * 1024)), looks=1, again=True, shared=False, micro_batch=61440)

    mean = _solved(lambda m: forward_s(models.QWEN25_7B, job(m).work, ON_CARDS.on(H20, 32)) / 32, 107.71, 500, 20000)
    known, open_ = job(mean), f"mean answer {round(mean, -1):,.0f} tokens, from another figure of the table; prompts of 200"
    found = []
    for cards, gen, update, whole in ((32, 357.41, 269.80, 790.10), (64, 150.72, 133.41, 365.28), (128, 177.85, 113.81, 356.30)):
        took = _in_turn(known, H20, cards, design)
        where = f"Qwen2.5-Math-7B, {cards} H20"
        found += [
            Published("verl", f"{where}: drawing", "drawing", "s", gen, took.sampling, open_),
            Published("verl", f"{where}: learning", "learning", "s", update, took.learning, open_),
            Published("verl", f"{where}: the step, in turn", "in turn", "s", whole, took.total, open_),
        ]
    for cards, value in ((32, 294.77), (64, 189.26), (128, 150.63)):
        took_s = _ahead(replace(known, looks=0), H20, cards, cards // 2, design, steps=2).step_s
        found.append(Published("verl", f"Qwen2.5-Math-7B, {cards // 2} + {cards // 2} H20, ahead", "ahead", "s", value, took_s, open_))
    took, beside = _in_turn(known, H20, 128, design).total, _ahead(replace(known, looks=0), H20, 128, 64, design, steps=2).step_s
    found.append(
        Published("verl", "the same: 128 cards in turn to 64 + 64 ahead", "speed-up", "times", 356.30 / 150.63, took / beside, open_)
    )
    return found


def _areal() -> list[Published]:
    """512 prompts, 16 answers each, of which a twentieth reach 27 k tokens. The share of cards that draw is the best one."""
    found = []
    for what, shape, cards, slow, fast in (
        ("R1-Distill-Qwen-1.5B, 128 H800", models.QWEN25_1_5B, 128, 147.6, 53.3),
        ("R1-Distill-Qwen-7B, 192 H800", models.QWEN25_7B, 192, 207.7, 91.4),
    ):
        longest = 27 * 1024.0
        mean = longest / math.log(20) * (1 - 1 / 20)  # of the spread of which a twentieth is cut off
        job = Job(shape, 512, 200, tuple(spread(8192, mean, longest)), looks=1, again=True, shared=False, micro_batch=32768)
        turn = _in_turn(job, H800, cards, THEIRS).total
        beside = min(_ahead(job, H800, cards, round(cards * i / 16), THEIRS, steps=4).step_s for i in range(4, 15))
        open_ = f"mean answer {round(mean, -1):,.0f} tokens, from a twentieth being cut off; prompts of 200; cards shared as is best"
        found += [
            Published("AReaL", f"{what}, in turn", "in turn", "s", slow, turn, open_),
            Published("AReaL", f"{what}, ahead", "ahead", "s", fast, beside, open_),
            Published("AReaL", f"{what}: in turn to ahead", "speed-up", "times", slow / fast, turn / beside, open_),
        ]
    return found


def _step_s(job: Job, card: Card, cards: int, drawing: int, design: Design) -> float:
    return _ahead(job, card, cards, drawing, design).step_s if drawing else _in_turn(job, card, cards, design).total


def _in_turn(job: Job, card: Card, cards: int, design: Design) -> Seconds:
    machine = ON_CARDS.on(card, cards)
    return in_turn(job, machine, cards, design, rows_at_once(job, machine, cards, design))


def _ahead(job: Job, card: Card, cards: int, drawing: int, design: Design, steps: int = 1) -> Ahead:
    machine = ON_CARDS.on(card, cards)
    return ahead(job, machine, cards, drawing, steps, design, rows_at_once(job, machine, cards, design, learns=False))


def _solved(function: Callable[[float], float], value: float, low: float, high: float) -> float:
    """Where a growing function has the value."""
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) < value else (low, middle)
    return (low + high) / 2
