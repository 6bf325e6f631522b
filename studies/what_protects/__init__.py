"""What protects from reward hacking? Transforms, ensembles, constraints and divergences at equal KL and at equal proxy, where a learned reward is wrong for different reasons.

    make studies ARGS=what-protects

Reward models are fitted to comparisons in a world in which more of what is good does harm beyond a point that comparisons hardly show, and what each way of protection makes of
them is computed exactly: the policy that it asks for at each price. Each is tuned by itself in each situation, with the ridge of its reward models among the settings.
"""

from pathlib import Path
from typing import Any

from guerdon.atlas._fingerprint import CONFIRMING, fingerprint, unseen_seeds
from guerdon.atlas._system import Entry
from guerdon.atlas._tuning import middle, tune
from guerdon.atlas._working import Call, Workers, cores
from guerdon.atlas.reward_robustness._proxies import RIDGE
from studies.what_protects._page import apart, arm, draw, page
from studies.what_protects._policies import kl
from studies.what_protects._situations import SITUATIONS, proxies
from studies.what_protects._ways import BASE, WAYS, At

__all__ = ["draw", "measure", "page"]

SEEDS = {"smoke": 1, "full": 12, "tune": 2}
TUNED_BY = "gold"
RIDGES = {"ridge": (1e-3, 1e-2, 1e-1)}
MANY_RIDGES = {"ridge": tuple(float(f"{10 ** (k / 4 - 3):.3g}") for k in range(9))}  # as many settings as the others have
GRID = {arm(way, situation): (RIDGES | dict(WAYS[way].grid) if WAYS[way].grid else MANY_RIDGES) for way in WAYS for situation in SITUATIONS}
FEW = (BASE, "reference sigmoid (PAR)", "worst of five (WCO)", "chi-squared")


class Study(Entry):
    """This module in the place of a system's file."""

    @property
    def slug(self) -> str:
        return self.path.parent.name.replace("_", "-")

    @property
    def module_name(self) -> str:
        return __name__

    @property
    def helpers(self) -> tuple[Path, ...]:
        return tuple(sorted(Path(__file__).parent.glob("_[a-z]*.py")))


def trial(name: str, seed: int, scale: str, ridge: float, **setting: Any) -> dict[str, Any]:
    """At each price the KL (nats), gold, and what the reward model by itself says, in deviations of the reference; means over contexts. "gold" is the mean over prices."""
    way, situation = apart(name)
    at, world = At(situation, seed, ridge), SITUATIONS[situation].world(seed)
    reference, gold, said = at.reference, world.rewards(), proxies(situation, seed, RIDGE, members=1)[0]
    deviation = (reference * said.square()).sum(-1).mean().sqrt()
    policies = WAYS[way].policies(at, **setting)
    tables = {"KL": kl(policies, reference), "golds": (policies * gold).sum(-1), "proxies": (policies * said).sum(-1) / deviation}
    curves = {measure: [round(float(x), 5) for x in values.mean(-1)] for measure, values in tables.items()}
    return curves | {"gold": sum(curves["golds"]) / len(curves["golds"]), "before": round(float((reference * gold).sum(-1).mean()), 5)}


def measure(small: bool) -> dict[str, Any]:
    entry = Study(Path(__file__))
    tuning = None if small else tune(entry, quiet=False)
    chosen = {name: setting for name, setting in middle(entry).items() if apart(name)[0] in FEW} if tuning is None else tuning.chosen
    scale = "smoke" if small else "full"
    seeds = unseen_seeds(fingerprint(entry), CONFIRMING, entry.count(scale))
    calls = [Call(__name__, "trial", (name, seed, scale), chosen[name]) for name in chosen for seed in seeds]
    with Workers(1 if small else cores(), quiet=small) as workers:
        found = iter(workers.all(calls, entry.slug))
    runs = {name: [next(found) for _ in seeds] for name in chosen}
    trials = {} if tuning is None else {name: sum(each.arm == name for each in tuning.trials) for name in chosen}
    return {
        "arms": {name: {"setting": chosen[name], "runs": runs[name], "trials": trials.get(name, 0)} for name in chosen},
        "at_edge": {} if tuning is None else {name: list(knobs) for name, knobs in tuning.at_edge.items()},
        "seeds": list(seeds),
        "said": {name: situation.said for name, situation in SITUATIONS.items()},
        "kinds": {name: way.kind for name, way in WAYS.items()},
    }
