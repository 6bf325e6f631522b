"""Shop-R1: a reward that grades what people did, the harder parts most, makes a model that foretells it better than one for being right altogether, and does not end in quitting.

World: people in a shop click on one of ten things, search for three words, of eight each, or leave (0.36, 0.36, 0.28). A context tells of these by words: one for the kind, which
is that of another kind with 0.3; one for what is clicked, one for each word of a search, each of which is another with 0.1. All of them are there whatever is done. 60 contexts to
learn from, 200 held out. A policy writes at six places, independently, whether it is well-formed, the kind, the name and the text, each by weights of the context's words
(``_places``); a seed draws all of it.

* "SFT": the chance of what was done in 20 of the contexts goes up, 20 steps; the others begin with it,
  at a step of 10;
* then GRPO on all 60, 40 steps of 16 answers: "binary", 1 for the whole action; "graded", ``feedback.rewards.graded_action``, with its 1,000 for hard parts; "graded, alike",
  with 1. Steps are tuned by *exact*, that of "SFT" by itself too.

*exact*: the chance of the whole action, exact over answers, on held-out contexts; *kind*: that of its kind; *exact, with parts*: of clicks and searches alone; *leaves*: the
share of answers that leave (people do in 0.28).

Source: Zhang et al. 2025, arXiv 2507.17842, its text: Table 1, equations 2 and 4; 27.7 % exact, with 16.8 by SFT and 16.6 by binary rewards after it. Left out: rationales, and
with them the reward of self-certainty (weight 0.005), and the penalty on the KL (0.001). Chosen here: the world. Smallest difference of interest: 0.02 of a chance.
"""

import json
from functools import cache

import numpy as np

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.domain._places import Places, advantages
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.feedback.rewards.graded_action import GradedAction
from guerdon.randomness import derive

system = System(
    title="Shop-R1: Rewarding LLMs to Simulate Human Behavior in Online Shopping via Reinforcement Learning",
    link="https://arxiv.org/abs/2507.17842",
    kind="application",
    builds_on=("grpo", "sft", "graded-action"),
    read="paper",
    note=(
        "Whoever is paid for whole actions alone says that people leave, in 0.40 of answers for 0.28, and is right about them no less often for it: by 0.011 of a chance "
        "more. Grades make it leave in 0.27, and right more often of kinds (0.06) and of clicks and searches (0.03). That hard parts earn 1,000 in place of 1 makes no "
        "difference of interest (0.010), as one would expect where GRPO divides by the deviation of a prompt's rewards. Both are ahead of a tuned SFT."
    ),
)
KINDS, SIZES = ("click", "type_and_submit", "terminate"), (2, 3, 11, 8, 8, 8)  # the eleventh name is the search's
CONTEXTS, SHOWN, HELD, GROUP, STEPS, SHOWINGS, SHOWN_AT = 60, 20, 200, 16, 40, 20, 10.0
ALIKE = {"terminate": {}, "click": {"name": (0.2, 1.0)}, "type_and_submit": {"name": (0.1, 0.1), "text": (0.1, 1.0)}}
recipe = {"advantage": GroupCentred(), "graded": GradedAction(), "graded, alike": GradedAction(parts=ALIKE)}
ARMS = ("SFT", "binary", "graded, alike", "graded")
GRID = {arm: {"learning_rate": (3.0, 10.0, 30.0)} for arm in ARMS}
TUNED_BY = "exact"
SEEDS = {"smoke": 1, "full": 40, "tune": 3}
claim = AllOf(
    BetterThan("graded", "SFT", on="exact", effect=0.02, matched="nothing: it goes on from there"),
    BetterThan("graded", "binary", on="exact", effect=0.02, matched="answers, updates"),
    BetterThan("graded", "binary", on="kind", effect=0.02, matched="answers, updates"),
    BetterThan("graded", "binary", on="exact, with parts", effect=0.02, matched="answers, updates"),
    BetterThan("graded", "graded, alike", on="exact", effect=0.02, matched="answers, updates"),
    BetterThan("graded", "binary", on="leaves", effect=0.02, lower_is_better=True, matched="answers, updates"),
)


def told(done: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """[N, features] of contexts of actions [N, 5]: kind, what would be clicked, and what would be searched for."""
    seen = done.copy()
    for place, (size, wrong) in enumerate(zip((3, 10, 8, 8, 8), (0.3, 0.1, 0.1, 0.1, 0.1), strict=True)):
        other = (done[:, place] + 1 + random.integers(size - 1, size=len(done))) % size
        seen[:, place] = np.where(random.random(len(done)) < wrong, other, done[:, place])
    words = [np.eye(size)[seen[:, place]] for place, size in enumerate((3, 10, 8, 8, 8))]
    return np.concatenate([*words, np.ones((len(done), 1))], 1)


def action(kind: int, name: int, text: tuple[int, ...]) -> dict[str, str]:
    """With the parts that its kind has."""
    found = {"type": KINDS[kind]}
    if kind < 2:
        found["name"] = f"thing{name}" if name < 10 else "search"
    if kind == 1:
        found["text"] = " ".join(f"{place}{word}" for place, word in zip("abc", text, strict=True))
    return found


@cache
def paid(arm: str, done: tuple[int, ...], said: tuple[int, ...]) -> float:
    """``done``: kind and places; ``said``: whether well-formed, kind and places."""
    right, own = action(done[0], done[1] if done[0] == 0 else 10, done[2:]), action(said[1], said[2], said[3:])
    if arm == "binary":
        return float(bool(said[0]) and own == right)
    text = json.dumps({"rationale": "", "action": own}) if said[0] else json.dumps(own)
    return recipe[arm]([""], [text], [right])[0]


def rewards(arm: str, done: np.ndarray, said: np.ndarray) -> np.ndarray:
    """[Q, K], of answers [Q, K, 6] to contexts in which people did [Q, 5]; places that make no difference are 0."""
    kind = said[..., 1]
    shown = np.where(np.arange(6) < np.array([3, 6, 2])[kind][..., None], said, 0)
    used = np.array([[1, 1, 0, 0, 0], [1, 0, 1, 1, 1], [1, 0, 0, 0, 0]])[done[:, 0]] * done
    both = np.concatenate([np.broadcast_to(used[:, None], (*kind.shape, 5)), shown], -1).reshape(-1, 11)
    different, where = np.unique(both, axis=0, return_inverse=True)
    found = np.array([paid(arm, tuple(row[:5]), tuple(row[5:])) for row in different.tolist()])
    return found[where.ravel()].reshape(kind.shape)


def measured(policy: Places, contexts: np.ndarray, done: np.ndarray) -> dict[str, float]:
    formed, kind, name, *text = policy.chances(contexts)
    rows, own = np.arange(len(done)), done[:, 0]
    click = name[rows, done[:, 1]]
    search = name[:, 10] * np.prod([chance[rows, done[:, 2 + k]] for k, chance in enumerate(text)], 0)
    same = formed[:, 1] * kind[rows, own]
    exact = same * np.where(own == 0, click, np.where(own == 1, search, 1.0))
    return {
        "exact": float(exact.mean()),
        "kind": float(same.mean()),
        "exact, with parts": float(exact[own < 2].mean()),
        "leaves": float(kind[:, 2].mean()),
    }


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    world, random, small = np.random.default_rng(derive(seed, "world")), np.random.default_rng(derive(seed, arm)), scale == "smoke"
    kinds = world.choice(3, size=CONTEXTS + HELD, p=(0.36, 0.36, 0.28))
    done = np.stack([kinds, *(world.integers(size, size=len(kinds)) for size in (10, 8, 8, 8))], 1)
    contexts = told(done, world)
    here, wanted = contexts[:CONTEXTS], done[:CONTEXTS]
    policy = Places(contexts.shape[1], SIZES)
    names = np.where(wanted[:, 0] == 0, wanted[:, 1], 10)
    words = np.stack([np.ones(CONTEXTS, dtype=int), wanted[:, 0], names, *wanted[:, 2:].T], 1)[:SHOWN, None]
    parts = np.stack([np.ones(SHOWN), np.ones(SHOWN), wanted[:SHOWN, 0] < 2, *3 * [wanted[:SHOWN, 0] == 1]], 1).astype(float)
    for _ in range(2 if small else SHOWINGS):
        policy.learn(here[:SHOWN], words, parts[:, None], learning_rate if arm == "SFT" else SHOWN_AT)
    for _ in range(0 if arm == "SFT" else 2 if small else STEPS):
        said = policy.drawn(here, GROUP, random)
        policy.learn(here, said, advantages(rewards(arm, wanted, said), recipe["advantage"]), learning_rate)
    return measured(policy, contexts[CONTEXTS:], done[CONTEXTS:])
