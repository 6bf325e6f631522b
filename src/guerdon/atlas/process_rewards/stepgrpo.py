"""StepGRPO: where right answers are rare, key steps found on the way and a valid form are rewarded beside them, by rules.

World: 12 problems with solutions in steps (``worlds.finite.solutions``), of which the start gets most numbers wrong (slip 0.6), written as texts: "### Step 2: <3>" for a number
or a repetition, "### The final answer is: <3>" for the answer. A problem's key steps are the numbers that its operations lead to. Images, and the pretrained model that reads
them, are left out. A seed is another world, policy and draws.

Arms: GRPO on the outcome, "StepGRPO" with the share of key steps and the validity of the form added, "key steps" and "validity" with one of the two. Groups of 8, centred and
scaled, PPO's clip, 20 steps; each of what is added weighs 0.3; learning rates are tuned, by accuracy.

* "accuracy": exact, the mean over steps 5, 10 and 20. "flawed": how often a right answer has a wrong step, at the end.

Source: Zhang et al. 2025, arXiv 2503.12937: the abstract, and the authors' code (jingyi0000/R1-VL, ``grpo.py``: accuracy + 0.1 key steps, and validity, summed). There models of 2
and 7 B on questions about images, warmed up with demonstrations. Chosen here: the world, and 0.3 of both, since there is no
warm-up. The smallest difference of interest: 0.02 of accuracy.
"""

from collections.abc import Sequence
from typing import Any

from guerdon.acting.samplers.group import Group
from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.process_rewards._practising import practised
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.feedback.combining.weigh import Weigh
from guerdon.feedback.rewards.key_steps import KeySteps
from guerdon.feedback.rewards.ordered_sections import OrderedSections
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.randomness import derive
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Recipe, Term
from guerdon.worlds.finite.solutions import Solutions

system = System(
    title="R1-VL: Learning to Reason with Multimodal Large Language Models via Step-wise Group Relative Policy Optimization",
    link="https://arxiv.org/abs/2503.12937",
    kind="method",
    builds_on=("grpo", "key-steps", "ordered-sections", "weigh"),
    read="code",
    note=(
        "All arms are at 0.98 to 0.99 within the first steps at rates of their own, so that right answers were not rare enough here for anything to help; "
        "with key steps right answers have a wrong step less often, 0.59 of them in the place of 0.75, which was not claimed."
    ),
    waits_for="images, and models that read them",
)
VALID = OrderedSections(sections=("### Step 1:", "### The final answer is:"))
ADDED = {"key steps": {"key": KeySteps()}, "validity": {"valid": VALID}, "StepGRPO": {"key": KeySteps(), "valid": VALID}}
recipe = ADDED
GRID = {arm: {"learning_rate": (0.1, 0.3, 0.9)} for arm in ("GRPO", *ADDED)}
TUNED_BY = "accuracy"
SEEDS = {"smoke": 1, "full": 10, "tune": 2}
claim = AllOf(
    BetterThan("StepGRPO", "GRPO", on="accuracy", effect=0.02, matched="samples, updates"),
    BetterThan("key steps", "GRPO", on="accuracy", effect=0.02, matched="samples, updates"),
    BetterThan("StepGRPO", "validity", on="accuracy", effect=0.02, matched="samples, updates"),
)


def written(world: Solutions, problem: int, actions: Sequence[int]) -> str:
    """A solution as a text."""
    said, lines = int(world.truth()[problem, 0]), []
    for action in actions:
        said = action if action < world.values else said
        lines.append("### The final answer is:" if action == world.answering else f"### Step {len(lines) + 1}:")
        lines[-1] += f" <{said}>"
    return "\n".join(lines)


class Read:
    """A reward that reads solutions as texts, and knows each problem's key steps."""

    def __init__(self, world: Solutions, reward: Any):
        count, truth = world.count.tolist(), world.truth().tolist()
        self.world, self.reward = world, reward
        self.key = [[f"<{number}>" for number in own[1 : n + 1]] for own, n in zip(truth, count, strict=True)]

    def __call__(self, prompts: Sequence[int], completions: Sequence[Sequence[int]], **columns: Any) -> list[float | None]:
        texts = [written(self.world, problem, actions) for problem, actions in zip(prompts, completions, strict=True)]
        return self.reward([str(problem) for problem in prompts], texts, key_steps=[self.key[problem] for problem in prompts])


def trial(arm: str, seed: int, scale: str, learning_rate: float, weight: float = 0.3) -> dict[str, float]:
    world = Solutions(contexts=12, seed=derive(seed, "world"))
    added = ADDED.get(arm, {})
    stops = (1, 2) if scale == "smoke" else (5, 10, 20)
    method = Recipe(
        (Term(Clip(0.2), reduce=SequenceMean()),),
        AdamW(learning_rate),
        Group(8),
        combine=Weigh(dict.fromkeys(added, weight)),
        advantage=GroupCentred(),
    )
    policy = world.start(slip=0.6, luck=0.05, seed=derive(seed, "policy"))
    found = practised(method, world, policy, range(12), seed, stops, {name: Read(world, reward) for name, reward in added.items()})
    return {"accuracy": sum(found["success"][stop] for stop in stops) / len(stops), "flawed": found["flawed"][max(stops)]}
