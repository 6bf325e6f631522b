"""The model card: ``README.md`` in the folder of a saved model, in the form that model hubs read.

    write(Path("runs/demo"), Path("runs/demo/model"))

Base model, data, recipe, figures with intervals, settings, versions, and how the model is loaded, taken from the run's folder; nothing is asked for twice.
``facts`` gathers, ``card.md.jinja`` says.
"""

from guerdon.interfaces.card.writing import write

__all__ = ["write"]
