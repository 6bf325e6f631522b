"""Designs: parameters and questions → what the answer to each question will tell, by enumerating the answers.

Called with what the likelihood is called with (``asked`` [Q, K], the parameters by name, and ``user``, ``features`` where it reads them). A unit is a question, or in a
mixture whatever one person is asked together; P is the number of parameters, in the order in which the likelihood names them.
"""

from typing import Any, Protocol

from torch import Tensor


class Design(Protocol):
    """Parameters, questions → what each unit tells: a matrix [units, P, P], or its worth [units] beyond what is known."""

    def __call__(self, *, asked: Tensor, **data_and_parameters: Any) -> Tensor: ...
