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
        read="paper",
        untuned="variances at a given policy",
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
most 120 s of two cores for all seeds together, ten minutes with its tuning (each seed runs in a process of its own, with one thread). Draw every random number
from ``guerdon.randomness`` with the seed that is given. Set ``System(exact=True)`` where nothing is random: then one seed decides
(and a test checks that two seeds give the same numbers).

*Tuning.* Where arms have settings, the file declares what is tuned, the baseline first, and how one arm is measured at one setting::

    GRID = {"reinforce": {"learning_rate": (0.03, 0.1, 0.3)}, "rloo": {"learning_rate": (0.03, 0.1, 0.3)}}
    TUNED_BY = TunedBy("regret", lower_is_better=True)       # or just the name of a measure of which more is better
    SEEDS = {"smoke": 1, "full": 10, "tune": 3}

    def trial(arm, seed, scale, learning_rate):
        """One seed of one arm at one setting."""
        return {"regret": ...}

    def experiment(seed, scale, tuned):                      # tuned: {arm: {knob: value}}; without this function, a trial of each arm
        ...

The runner tunes (see ``_tuning.py``), with as many trials for every arm, and extends a grid until the best lies inside; ``Knob(values, least=0.0)`` names a limit that the
method itself has. What came of it is kept in ``atlas/<family>/tuning/<slug>.json``. A file without ``GRID`` says why: ``System(untuned="exact solutions")``.

*Claims*, see ``_claims.py`` and ``_frontier.py``: ``BetterThan``, ``NoWorseThan`` (margin), ``EqualTo`` (tolerance), each against an arm or a number and, on
a curve, at one x, ``"first"``, ``"last"`` or ``"every"``; ``AheadAlong``: more at the same price, along each arm's own curve (reward at equal KL); ``GrowsWith`` and
``FallsWith`` along a curve; ``RanksAs``; ``AllOf``. ``effect`` is the smallest difference that anybody cares about: one inside it is *equal*. ``matched`` says what
the arms have alike where it is not the price; ``by_construction=True`` marks a claim that cannot fail because of how the baseline is made, which needs another beside
it. A claim that does not hold is a finding: leave it, and say so in ``note``.

*Waiting*: where the paper's experiment needs a world that is not there yet, the file tries the part in a smaller one and says ``System(waits_for="a control world")``. The
status and the page of verdicts then show it as waiting, whatever came of that.

``run("bnpo")`` explores, on the seeds 0, 1, 2 ..., as often as one likes, and says how many seeds would decide; it draws no verdict. ``confirm("bnpo")`` draws it,
on seeds that follow from the fingerprint of what is measured, and keeps the evidence, with the history of all confirmations, in ``atlas/<family>/evidence/<slug>.json``;
commit that file and the tuning.
'''

from guerdon.atlas._claims import AllOf, BetterThan, Claim, EqualTo, FallsWith, GrowsWith, NoWorseThan, RanksAs
from guerdon.atlas._evidence import Evidence
from guerdon.atlas._frontier import AheadAlong
from guerdon.atlas._running import confirm, judge, measure, run
from guerdon.atlas._showing import show, show_recipe
from guerdon.atlas._status import status
from guerdon.atlas._system import Entry, System, find, systems
from guerdon.atlas._tuning import Knob, TunedBy, Tuning, tune
from guerdon.atlas._verdict import Verdict

__all__ = [
    "AheadAlong",
    "AllOf",
    "BetterThan",
    "Claim",
    "Entry",
    "EqualTo",
    "Evidence",
    "FallsWith",
    "GrowsWith",
    "Knob",
    "NoWorseThan",
    "RanksAs",
    "System",
    "TunedBy",
    "Tuning",
    "Verdict",
    "confirm",
    "find",
    "judge",
    "measure",
    "run",
    "show",
    "show_recipe",
    "status",
    "systems",
    "tune",
]
