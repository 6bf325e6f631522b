"""A step: what it takes on one card or on many, in turn or at once.

    in turn    drawing + judging + exchange + log-probabilities + learning + gradients + weights
    ahead k    max(drawing's side, learning's side), each on cards of its own

    drawing's side    max(the middle card's time, the last one's / k)     a card goes on with the next batch when it has drawn its own
                      a k-th of what k batches at once take               completions of k batches are decoded together (``mixes``)

A step that waits for its own rollouts is the sum of its parts. Where rollouts may be k steps old, some cards draw while the others learn, and a straggler has the time of k steps.
The sum of both sides' work stays what it was: without a straggler, without weights that are read for few rows, without cards that have nothing to do, nothing is gained by
it, and the split may cost more than it gives.

What is known of our own design is in ``Design``; other values say what another one would take.
"""

import math
from dataclasses import astuple, dataclass, replace
from functools import cached_property

from guerdon.costs.arithmetic import Shape, Work, group, scored_group, total
from guerdon.costs.drawing import decoding_s, prefill_s
from guerdon.costs.learning import forward_s, learning_s, optimiser_s
from guerdon.costs.lengths import dealt
from guerdon.costs.machine import Machine
from guerdon.costs.telling import gathered_s, handed_on_s, objects_s


@dataclass(frozen=True)
class Job:
    """What is to be done in a step.

    Attributes:
        prompts, prompt: how many, and the tokens of each.
        lengths: tokens of all completions of the step, or of both sides of its pairs, or of its texts (``prompt`` 0), the shortest first.
        draws, learns: whether completions are sampled, and whether anything is learned from them.
        scored: whether a score of each sequence is learned, and not its tokens.
        looks: passes without gradients over all sequences, of the policy or of a model as large: a reference, log-probabilities that are measured again.
        critics: models as large that are trained along.
        again: whether activations are computed again for the backward pass.
        epochs: how often all sequences are learned from, in
        updates: gradient steps.
        micro_batch: tokens that are computed together.
        shared: whether a prompt is computed once for all its completions.
        judging_s: seconds that the reward of one completion takes.
        number_bytes: of a weight and of a number in the cache.
    """

    shape: Shape
    prompts: int
    prompt: float
    lengths: tuple[float, ...]
    draws: bool = True
    learns: bool = True
    scored: bool = False
    looks: int = 0
    critics: int = 0
    again: bool = False
    epochs: int = 1
    updates: int = 1
    micro_batch: int = 16384
    shared: bool = True
    judging_s: float = 0.0
    number_bytes: int = 2

    @cached_property
    def work(self) -> Work:
        """Places of one pass over all sequences."""
        count = scored_group if self.scored else group
        prompt, answers = round(self.prompt) or 1, self.answers if self.prompt else [[n - 1 for n in text] for text in self.answers]
        return total(count(prompt, one) for some in answers for one in ([some] if self.shared else [[n] for n in some]))

    @property
    def heaviest(self) -> Work:
        """Places of the sequence that costs most: what cannot be shared out."""
        return replace(self, prompts=1, lengths=self.lengths[-1:]).work

    @property
    def answers(self) -> list[list[int]]:
        """Lengths by prompt."""
        return [[round(n) for n in self.lengths[i :: self.prompts]] for i in range(self.prompts)]

    @property
    def tokens(self) -> float:
        """Of all sequences, a prompt counted for each."""
        return sum(self.lengths) + len(self.lengths) * self.prompt


@dataclass(frozen=True)
class Design:
    """How a step is laid over cards. As it is here, unless said otherwise.

    Attributes:
        by_prompt: whether all completions of a prompt are drawn by one card.
        objects: whether rollouts are told to every learning process, all of them, as objects; otherwise to the one that learns from them.
        told_bytes: of a token of a rollout, padded to the longest.
        exchanges: of objects in a step.
        hidden: whether gradients and weights travel while something else is computed.
        whole: whether every card holds all weights and a whole gradient.
        mixes: whether a card that draws ahead decodes completions of several steps together, though each step's are drawn with weights of their own.
        tensor: cards that draw as one, each with a part of every matrix.
        all_judged_by_first: as a reward that reads the whole batch is.
    """

    by_prompt: bool = True
    objects: bool = True
    told_bytes: float = 19.0
    exchanges: int = 8
    hidden: bool = False
    whole: bool = True
    mixes: bool = False
    tensor: int = 1
    all_judged_by_first: bool = False


@dataclass(frozen=True)
class Seconds:
    """A step by what takes its time.

    Attributes:
        sampling: until the last completion has ended.
        rewards: judging, where it does not go on while others are drawn.
        exchange: rollouts, verdicts and measurements told to all, and what every process does with them.
        log_probabilities: passes without gradients, of a reference or of the policy.
        learning: forward and backward passes and the optimiser.
        gradients: their sum over cards.
        weights: bringing those that compute up to date.
        other: what a step takes whatever is in it.
    """

    sampling: float = 0.0
    rewards: float = 0.0
    exchange: float = 0.0
    log_probabilities: float = 0.0
    learning: float = 0.0
    gradients: float = 0.0
    weights: float = 0.0
    other: float = 0.0

    @property
    def total(self) -> float:
        return sum(astuple(self))


def in_turn(job: Job, machine: Machine, cards: int = 1, design: Design = Design(), most: float = math.inf) -> Seconds:
    """A step on cards that draw, and then learn. ``most``: completions that a card's memory has room for at once."""
    drawn, learned = _drawing(job, machine, cards, design, most, 1), _learning(job, machine, cards, design)
    return Seconds(*(a + b for a, b in zip(astuple(drawn), astuple(learned), strict=True)))


@dataclass(frozen=True)
class Ahead:
    """A step of which some cards draw while the others learn.

    Attributes:
        drawing: cards that draw.
        drawn, learned: what each side takes.
        step_s: seconds from one step to the next.
        idle: share of all cards' time in which they wait for the other side.
    """

    drawing: int
    drawn: Seconds
    learned: Seconds
    cards: int

    @property
    def step_s(self) -> float:
        return max(self.drawn.total, self.learned.total)

    @property
    def idle(self) -> float:
        busy = self.drawing * self.drawn.total + (self.cards - self.drawing) * self.learned.total
        return 1 - busy / (self.cards * self.step_s)


def ahead(job: Job, machine: Machine, cards: int, drawing: int, steps: int = 1, design: Design = Design(), most: float = math.inf) -> Ahead:
    """A step whose rollouts may be ``steps`` steps old, on ``drawing`` cards that draw and others that learn."""
    drawn = _drawing(job, machine, drawing, design, most, steps)
    weights = handed_on_s(job.number_bytes * job.shape.parameters, machine)  # who draws waits for them
    return Ahead(drawing, replace(drawn, weights=weights), _learning(job, machine, cards - drawing, design), cards)


def best_ahead(job: Job, machine: Machine, cards: int, steps: int = 1, design: Design = Design(), most: float = math.inf) -> Ahead:
    """With the cards shared between the sides, in sixteenths, as is fastest."""
    tried = {min(max(round(cards * i / 16 / design.tensor) * design.tensor, design.tensor), cards - 1) for i in range(1, 16)}
    return min((ahead(job, machine, cards, n, steps, design, most) for n in sorted(tried)), key=lambda found: found.step_s)


def _drawing(job: Job, machine: Machine, cards: int, design: Design, most: float, steps: int) -> Seconds:
    """The side that draws, so many steps ahead; 1 is as long as a batch takes."""
    if not job.draws:
        return Seconds()
    one = machine if design.tensor == 1 else _together(machine, design.tensor)
    drawers, batches = max(1, cards // design.tensor), steps if design.mixes else 1
    lengths, prompts = sorted(job.lengths * batches), -(-job.prompts * batches // drawers)
    count = -(-len(lengths) // drawers)
    if design.by_prompt:
        count = min(prompts * -(-len(job.lengths) // job.prompts), len(lengths))

    def drawn_s(own: list[float]) -> float:
        read = prefill_s(job.shape, min(prompts, len(own)), job.prompt, one)
        return read + decoding_s(job.shape, job.prompt, own, one, job.number_bytes, most)

    last = drawn_s(dealt(lengths, count))
    side = last / steps if design.mixes or steps == 1 else max(drawn_s(dealt(lengths, count, middle=True)), last / steps)
    judged = len(job.lengths) if design.all_judged_by_first else count / batches
    return Seconds(sampling=side, rewards=judged * job.judging_s)


def _together(machine: Machine, cards: int) -> Machine:
    """Cards that compute every product together. What they tell each other is left out."""
    return replace(
        machine,
        learning=machine.learning * cards,
        drawing=machine.drawing * cards,
        reading=machine.reading * cards,
        room=machine.room * cards,
    )


def _learning(job: Job, machine: Machine, cards: int, design: Design) -> Seconds:
    """The side that learns."""
    if not job.learns:
        return Seconds(other=machine.step)
    shape, count, models = job.shape, len(job.lengths), 1 + job.critics
    own = _share(job.work, cards, job.heaviest)
    micro_batches = max(1.0, own.tokens / job.micro_batch)
    look = job.looks * forward_s(shape, own, machine, micro_batches, adapted=False)
    learn = models * job.epochs * learning_s(shape, own, machine, micro_batches, job.again)
    trained = models * (shape.parameters if not shape.lora else shape.adapters)
    step = optimiser_s(trained / cards, machine) * job.updates
    told = design.told_bytes * count * max(job.lengths) / (1 if design.objects else cards)
    exchange = objects_s(told, cards, machine, design.exchanges) + count * machine.alike / (1 if design.objects else cards)
    if cards == 1 or design.hidden:
        return Seconds(exchange=exchange, log_probabilities=look, learning=learn + step, other=machine.step)
    gradients, weights = 4 * trained, job.number_bytes * trained  # a gradient is added up in float32
    return Seconds(
        exchange=exchange,
        log_probabilities=look,
        learning=learn + step,
        gradients=job.updates * gathered_s(gradients, cards, machine),
        weights=job.updates * gathered_s(weights, cards, machine),
        other=machine.step,
    )


def _share(work: Work, cards: int, heaviest: Work) -> Work:
    """The places that a card computes: its part of all, and no less than the heaviest sequence."""
    part = Work(*(-(-places // cards) for places in astuple(work)))
    return part if part.tokens >= heaviest.tokens else heaviest
