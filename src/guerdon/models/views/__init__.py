"""Views: whom a name with a view asks (``teacher_logp``), where it is no model by itself: the policy, its encoder, the rows → a model.

A configuration binds names to models (``views: {teacher: FOLDER}``); what stands here is made of the policy that learns, or of a model that needs to be told of it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from guerdon.models import Model


class View(Protocol):
    """Attributes: none. ``name``: what the view is called; ``encoder``: of the policy; ``rows``: all that the policy will be asked of; ``build``: a specification →
    a frozen model."""

    def bind(self, name: str, policy: Model, encoder: Any, rows: Iterable[Mapping[str, Any]], build: Callable[[Any], Model]) -> Model: ...
