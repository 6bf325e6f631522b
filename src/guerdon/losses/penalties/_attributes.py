"""What a penalty on the sequences of a batch may look at besides scores: their length, or a column of the data that says how much of something each has."""

from collections.abc import Mapping

from torch import Tensor

from guerdon.quantities import B

LENGTH = "length"


def name_of(attribute: str) -> str:
    """What has to be there to know it: lengths are counted."""
    return "mask" if attribute == LENGTH else attribute


def read(attribute: str, quantities: Mapping[str, Tensor], like: Tensor) -> B:
    """How much of it each sequence has, without a gradient."""
    value = quantities[name_of(attribute)]
    return (value.sum(-1) if attribute == LENGTH else value).detach().to(like.device, like.dtype)
