"""Members: components that are several opinions of one thing, and what they come to as one."""

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from guerdon.catalogue import unknown
from guerdon.errors import InputError
from guerdon.feedback.combining import Combining
from guerdon.quantities import B

TOGETHER = "ensemble"


def together(components: Mapping[str, B], members: tuple[str, ...], come_to: Callable[[Tensor], B], combine: Combining) -> B:
    """``combine`` of the components, in which the members (all, if none is named) are one: what [K, B] of them come to."""
    for name in members:
        if name not in components:
            raise InputError(unknown("member of the ensemble among the rewards", name, list(components)))
    own = [value for name, value in components.items() if name in members or not members]
    if not own:
        raise InputError("there is no reward component, hence no ensemble: name one reward for each member")
    rest = {name: value for name, value in components.items() if members and name not in members}
    return combine({TOGETHER: come_to(torch.stack(own)), **rest})


def others(names: Iterable[str], members: tuple[str, ...]) -> list[str]:
    """The components that are no members."""
    return [name for name in names if members and name not in members]
