"""The report: one self-contained HTML page on a run, readable without a network and from a run that died half-way.

    write("runs/demo")    # → runs/demo/report.html

What ran, figures before and after with intervals, health rules, curves with a sentence on each, the same held-out prompts before
and after with the probability of every token, the sampled completions by step, the configuration and the environment.

``reading`` takes the folder apart, ``figures``, ``health``, ``curves`` and ``samples`` say what is shown of it, ``page`` puts it together.
"""

from guerdon.interfaces.report.page import write

__all__ = ["write"]
