"""Learning: seconds of passes over whole sequences, and of the optimiser's step.

    passes      operations / learning rate + logits that are moved / reading rate + launches
    optimiser   28 bytes a weight / reading rate: master, gradient and two moments read, master and moments written, in float32

With activation checkpointing a backward pass computes the forward pass once more. A logit is written and read once in a forward pass and, computed again, four times more in
a backward pass, four bytes each.
"""

from guerdon.costs.arithmetic import Shape, Work
from guerdon.costs.machine import Machine

OPTIMISER_BYTES = 28
_LOGIT_BYTES = {"forward": 8, "backward": 16}
_LAUNCHES = {"forward": 1, "backward": 2}  # of a layer, as multiples of those of a forward pass


def forward_s(shape: Shape, work: Work, machine: Machine, micro_batches: float = 1, adapted: bool = True) -> float:
    """Seconds of a pass without gradients."""
    return _pass_s("forward", shape.forward(work, adapted), shape, work, machine, micro_batches)


def learning_s(shape: Shape, work: Work, machine: Machine, micro_batches: float = 1, again: bool = False) -> float:
    """Seconds of a forward and a backward pass. ``again``: activations are computed again for the backward pass."""
    back = shape.backward(work) + again * shape.forward(work)
    return forward_s(shape, work, machine, micro_batches) + _pass_s("backward", back, shape, work, machine, micro_batches)


def optimiser_s(trained: float, machine: Machine) -> float:
    """Seconds of a step of AdamW on so many weights, where they lie."""
    return OPTIMISER_BYTES * trained / machine.reading


def _pass_s(what: str, operations: float, shape: Shape, work: Work, machine: Machine, micro_batches: float) -> float:
    moved = _LOGIT_BYTES[what] * work.predicted * shape.vocabulary
    launches = _LAUNCHES[what] * shape.layers * micro_batches
    return operations / machine.learning + moved / machine.reading + launches * machine.launch
