"""Placements: where completions are drawn and judged, when it is not this process.

A specification, whose ``build`` makes the running workers for a policy. What they do changes how long a run takes, never what comes of it: a sequence depends on its own
prompt, its own random numbers and the weights, whoever draws it, and a verdict on what it judges, whoever judges it. Where a placement needs what is not there, its
``look`` says so before anything is built, and returns a sentence that says what will be placed where.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from guerdon.errors import InputError
from guerdon.models import Policy
from guerdon.training.judging import Scene


class Workers(Protocol):
    """What runs elsewhere, for as long as a loop does."""

    def drawing(self, own: bool = False) -> Policy:
        """The policy, whose ``sample`` is done by workers with the weights as they are now, however they move later and whichever thread asks; in everything else it is the
        policy itself. Where several processes learn, all have to ask, and the first one draws.

        Args:
            own: by the policy's own sampler, whoever else draws for it there.
        """
        ...

    def judging(self, scene: Scene) -> Scene:
        """The scene, whose verdicts are found by workers where there are some for that.

        Raises:
            InputError: a reward cannot be sent to them.
        """
        ...

    def close(self) -> None:
        """End them."""
        ...


class Placement(Protocol):
    """Policy → what draws and judges for it."""

    def look(self, rewards: Mapping[str, Callable[..., Any] | str] = {}) -> str: ...

    def build(self, policy: Policy) -> Workers: ...


@contextlib.contextmanager
def working(placement: Placement | None, policy: Policy, recipe: Any) -> Iterator[Workers | None]:
    """The workers of a placement, within; None where there is none.

    Raises:
        InputError: somebody else draws for the policy already.
    """
    if placement is None:
        yield None
        return
    if getattr(recipe.sampler, "engine", None) is not None:
        raise InputError(TWO_DRAW)
    workers = placement.build(policy)
    try:
        yield workers
    finally:
        workers.close()


TWO_DRAW = (
    "recipe.sampler.engine: it draws for the policy, and so do the workers of placement; name it there (placement.engine), so that each worker draws with it, or leave "
    "placement out"
)
