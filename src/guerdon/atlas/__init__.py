'''The atlas: one file per published system, each with a claim that can fail and the experiment that decides it.

A system is ``atlas/<family>/<slug>.py`` (``_`` for ``-``), found by walking. It has a module docstring, which says what is computed
and what the paper leaves open, and five names::

    """Leave-one-out: a baseline from the other samples of the prompt lowers the variance of REINFORCE.

    World: a bandit of eight arms with known rewards, in which the exact gradient is enumerated. Both arms get the same 2,048
    samples per seed. Source: arXiv 2402.14740, section 3.2.
    """

    from guerdon.atlas import AllOf, BetterThan, EqualTo, System

    system = System(
        title="Back to Basics: Revisiting REINFORCE Style Optimization for Learning from Human Feedback in LLMs",
        link="https://arxiv.org/abs/2402.14740",
        kind="method",
        builds_on=("reinforce",),
    )
    recipe = {"rloo": LeaveOneOut(), "reinforce": Raw()}     # what runs, for `guerdon show`; any tree of parts, optional

    claim = AllOf(
        BetterThan("rloo", "reinforce", on="variance", lower_is_better=True),
        EqualTo("rloo", 0.0, on="bias", tolerance=0.01),
    )
    SEEDS = {"smoke": 1, "full": 10}

    def experiment(seed, scale):
        """One seed of every arm, at the same budget."""
        samples = 64 if scale == "smoke" else 2048
        return {name: {"variance": ..., "bias": ...} for name, advantage in recipe.items()}

``experiment`` returns ``{arm: {measure: number}}``; a curve is ``{x: number}`` in the number's place, with the same x at every
seed. Numbers must be finite. Smoke takes at most 5 s and has the same arms, measures and claimed points as full; full takes at
most 120 s of two cores for all seeds together (each seed runs in a process of its own, with one thread). Draw every random number
from ``guerdon.randomness`` with the seed that is given. Set ``System(exact=True)`` where nothing is random: then one seed decides
(and a test checks that two seeds give the same numbers).

Claims, see ``_claims.py``: ``BetterThan``, ``NoWorseThan`` (margin), ``EqualTo`` (tolerance), each against an arm or a number and, on
a curve, at one x, ``"first"``, ``"last"`` or ``"every"``; ``GrowsWith`` and ``FallsWith`` along a curve; ``RanksAs``; ``AllOf``. Tune the
baseline at the same budget as the method and say in the docstring how. A claim that does not hold is a finding: leave it, and say
so in ``note``.

``run("bnpo", "full")`` measures, prints the table and the verdict, draws the plot under ``runs/atlas/bnpo`` and keeps the evidence in
``atlas/<family>/evidence/<slug>.json``; commit that file.
'''

from guerdon.atlas._claims import AllOf, BetterThan, Claim, EqualTo, FallsWith, GrowsWith, NoWorseThan, RanksAs, Verdict
from guerdon.atlas._evidence import Evidence
from guerdon.atlas._running import judge, measure, run
from guerdon.atlas._showing import show, show_recipe
from guerdon.atlas._status import status
from guerdon.atlas._system import Entry, System, find, systems

__all__ = [
    "AllOf",
    "BetterThan",
    "Claim",
    "Entry",
    "EqualTo",
    "Evidence",
    "FallsWith",
    "GrowsWith",
    "NoWorseThan",
    "RanksAs",
    "System",
    "Verdict",
    "find",
    "judge",
    "measure",
    "run",
    "show",
    "show_recipe",
    "status",
    "systems",
]
