"""Estimators: data → an estimate with its uncertainty."""

from typing import Any, Protocol


class Estimator(Protocol):
    """Data by name (of answers: ``asked`` [Q, K], ``answer`` [Q], and what the likelihood reads) → an estimate that can say how sure it is."""

    def __call__(self, **data: Any) -> Any: ...
