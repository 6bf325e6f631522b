"""Memory: bytes of a card.

    here      weights 2 P, gradient 4 P, frozen copies 2 P each: whole on every card;  master and moments 12 P / cards;  activations and logits of one micro-batch
    split     everything but activations and logits over the cards

P parameters, in bfloat16 with masters in float32. While completions are drawn there is no gradient and there are no activations, so that the cache has their place.
"""

from guerdon.costs.machine import Machine
from guerdon.costs.step import Design, Job

FILLED = 0.9  # of a card, before something no longer finds a place
_OF_A_LAYER = 34  # bytes a token, times the width: Korthikanti et al. 2022, arXiv 2205.05198, eq. 2, without its attention scores
_TILE = 2048  # tokens whose logits are there at once
_LOGIT_BYTES = 12  # the logit, its log-softmax and its gradient


def held_bytes(job: Job, cards: int = 1, design: Design = Design()) -> dict[str, float]:
    """What lies on a card while a gradient is computed, by what it is for."""
    shape, models, over = job.shape, 1 + job.critics, 1 if design.whole else cards
    trained = models * (shape.adapters if shape.lora else shape.parameters)
    tokens = min(job.micro_batch, max(job.tokens, 1.0))
    kept = shape.layers * (2 if job.again else _OF_A_LAYER) + (_OF_A_LAYER if job.again else 0)
    return {
        "weights": 2 * models * shape.parameters / over,
        "gradient": 4 * trained / over,
        "optimiser": 12 * trained / cards,
        "reference": 2 * shape.parameters / over if job.looks else 0.0,
        "activations": tokens * shape.hidden * kept,
        "logits": min(tokens, _TILE) * shape.vocabulary * _LOGIT_BYTES,
    }


def fits(job: Job, machine: Machine, cards: int = 1, design: Design = Design()) -> bool:
    """Whether a card has room for it."""
    return sum(held_bytes(job, cards, design).values()) <= FILLED * machine.room


def rows_at_once(job: Job, machine: Machine, cards: int = 1, design: Design = Design(), learns: bool = True) -> float:
    """Completions for whose cache a card has room, on average over their lengths; less than one where there is none. ``learns``: whether masters lie there too."""
    held = held_bytes(job, cards, design)
    there = 2 * job.shape.parameters / design.tensor + (held["optimiser"] + held["reference"] if learns else 0.0)
    middle = job.prompt + sum(job.lengths) / len(job.lengths)
    each = job.number_bytes * job.shape.cached * middle / design.tensor
    return (FILLED * machine.room - there) / each
