"""Fitting in: a batch is gone through in micro-batches, and where memory runs out on one of them, in smaller ones.

    on every process  work(rows) for each of its micro-batches → on all what came of it, or, if memory ran out on any of them, smaller micro-batches for all

The split is the same on all processes, since each computes some of its parts. What a gradient step had already added is not told apart, so that it is begun anew
(``Smaller``); what is only measured is measured again.

Source: ours.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from guerdon import memory
from guerdon.errors import RunFailed
from guerdon.memory import AtOnce
from guerdon.processes import here
from guerdon.saying import say

Split = Callable[[int], tuple[list[Tensor], list[int]]]  # how many tokens at once → micro-batches, and which of them are this process's

Cost = Callable[[Tensor], int]  # rows → how many tokens at once they are


class Smaller(Exception):
    """Memory ran out, on this process or another one; from now on micro-batches are smaller, and what was begun is to be begun anew."""


def each_part(
    cost: Cost, split: Split, at_once: AtOnce, work: Callable[[Tensor], Any], what: str, read: Callable[[Any], Any]
) -> list[tuple[Tensor, Any]]:
    """The rows of all micro-batches, whoever computed them, and what ``work`` gave on them.

    Args:
        read: brings what ``work`` gave to the host, when it has been asked for of all micro-batches: until then no device is waited for.

    Raises:
        Smaller: memory ran out, and smaller micro-batches are to be tried.
        RunFailed: it did on what cannot be parted.
    """
    parts, own = split(at_once.most)
    learns = torch.is_grad_enabled()  # what is only measured takes less

    def share() -> tuple[int, list[tuple[Tensor, Any]]]:
        done = []
        for place in own:
            try:
                if learns:
                    at_once.begin()
                done.append((parts[place], work(parts[place])))
                if learns:
                    at_once.seen(cost(parts[place]))
            except Exception as error:
                if not memory.ran_out(error):
                    raise
                return place, []
        return -1, [(rows, read(found)) for rows, found in done]

    told = here().each(share, what)
    failed = [place for place, _ in told if place >= 0]
    if not failed:
        if learns:
            at_once.went_well()
        return [one for _, done in told for one in done]
    memory.free()
    at_once.ran_out()
    before = at_once.most
    for place in failed:
        at_once.most = min(at_once.most, _smaller(cost(parts[place]), parts[place], split, before))
    say(
        f"memory ran out on {cost(parts[failed[0]]):,} tokens at once; going on with at most {at_once.most:,}, which changes no result "
        f"(budget.tokens_per_micro_batch={at_once.most} begins with them)"
    )
    raise Smaller


def _smaller(cost: int, rows: Tensor, split: Split, most: int) -> int:
    """How many tokens at once part these rows.

    Raises:
        RunFailed: none do.
    """
    tried = min(most, cost)
    while tried > 1:
        tried //= 2
        if not any(torch.equal(part, rows) for part in split(tried)[0]):
            return tried
    which = (
        f"one row of {cost:,} tokens"
        if len(rows) == 1
        else f"{len(rows)} rows of {cost:,} tokens in all, which the loss does not let be parted"
    )
    less = "max_prompt_length or max_completion_length" if len(rows) == 1 else "batch_size, max_prompt_length or max_completion_length"
    raise RunFailed(
        f"memory ran out on {which}; set budget.activation_checkpointing: true, lower {less}, keep less on the device (budget.offload), or train less of the model "
        "(model.lora)"
    )
