"""What designs share: the scores of all answers to questions."""

from typing import Any

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.exact.estimators._expected import root_information
from guerdon.exact.estimators._flat import Flat
from guerdon.exact.likelihoods import Likelihood


def roots(likelihood: Likelihood, given: dict[str, Any]) -> Tensor:
    """[units, O, P], the score of each answer times the square root of its probability.

    Raises:
        InputError: a parameter is missing.
    """
    names = likelihood.names()
    missing = [name for name in names if name not in given]
    if missing:
        raise InputError(
            f"a design is for known parameters, and {', '.join(missing)} of {type(likelihood).__name__} is missing: give {', '.join(names)}"
        )
    flat = Flat({name: tuple(torch.as_tensor(given[name]).shape) for name in names})
    return root_information(
        lambda vector: likelihood.every_answer(given | flat.split(vector)), flat.join({name: given[name] for name in names})
    )


def known(information: Tensor, size: int) -> Tensor:
    """[P, P], the Cholesky factor of what is known.

    Raises:
        InputError: it has another size, or does not tell every parameter.
    """
    if information.shape != (size, size):
        raise InputError(f"information has shape {tuple(information.shape)}, and there are {size} parameters: give [{size}, {size}]")
    factor, failed = torch.linalg.cholesky_ex(information.double())
    smallest = factor.diagonal().square().min() / information.diagonal().abs().max().clamp(min=1e-300)
    if bool(failed) or float(smallest) < 1e-12:
        raise InputError(
            "information does not tell every parameter, so that some questions would be worth infinitely much: add a prior's precision"
        )
    return factor
