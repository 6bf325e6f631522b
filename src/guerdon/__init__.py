"""Guerdon: learning from rewards, preferences and feedback.

The names that most programs need are here; every part is imported from the file that holds it
(``from guerdon.credit.advantages.leave_one_out import LeaveOneOut``).
"""

import importlib
from typing import Any

__version__ = "0.1.0"

# Imported on first use, so that ``import guerdon`` costs nothing.
_WHERE = {
    "AdamW": "training.optimiser",
    "Budget": "training.recipe",
    "Dataset": "tasks.dataset",
    "Decoding": "sequences",
    "FitJob": "training.jobs",
    "Headed": "models.language.headed",
    "ImproveJob": "training.jobs",
    "InputError": "errors",
    "LanguageModel": "models.language.language_model",
    "Learning": "training.recipe",
    "Lora": "models.language.lora",
    "Mixture": "tasks.mixture",
    "Pipeline": "training.stages",
    "Recipe": "training.recipe",
    "Run": "training.run",
    "RunFailed": "errors",
    "SearchJob": "training.jobs",
    "SmallLanguageModel": "models.language.small_language_model",
    "Stage": "training.stages",
    "Term": "training.recipe",
    "Terminal": "training.display",
    "catalogue": "catalogue",
    "fit": "training.loops.fit",
    "improve": "training.loops.improve",
    "rounds": "training.stages",
    "search": "training.loops.search",
}
__all__ = ["__version__", *_WHERE]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"guerdon.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'guerdon' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
