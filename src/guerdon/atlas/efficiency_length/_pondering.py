"""What experiments about length share: a policy that thinks too long about problems of several kinds, and what it is like after training, exactly."""

import torch

from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.losses.reduce.sequence_mean import SequenceMean
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.shared_shift import SharedShift
from guerdon.sequences import Decoding
from guerdon.training.judging import FiniteScene
from guerdon.training.loops.improve import improve
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.finite.pondering import Pondering

WORLD = Pondering()
GRPO = Recipe((Term(Clip(0.2), reduce=SequenceMean()),), AdamW(0.1), Group(8), advantage=GroupCentred())
START = (0.45, 0.43, 0.12)  # think, idle, answer


def start(seed: int) -> TablePolicy:
    """A policy that shares what it learns between problems of a kind, and takes five steps or more for most."""
    policy = SharedShift(WORLD.contexts, WORLD.kinds, 3, WORLD.depth, end=2, own=0.3, seed=seed).build()
    with torch.no_grad():
        policy.module["shared"].add_(torch.tensor(START, dtype=torch.float64).log())
    return policy


def trained(recipe: Recipe, seed: int, steps: int, longest: int = WORLD.depth) -> dict[str, float]:
    """What the policy is like after so many steps on all problems, with answers of at most so many steps while it is trained."""
    policy = start(seed)
    improve(policy, FiniteScene(WORLD), WORLD.train(), recipe, Budget(steps, batch_size=WORLD.contexts, seed=seed), Decoding(longest))
    return measured(policy)


@torch.no_grad()
def measured(policy: TablePolicy) -> dict[str, float]:
    """Accuracy and length, and the length on the easiest and on the hardest kind; expectations over all answers."""
    right, length = policy.expect(WORLD.rewards()), policy.expect(WORLD.tree.length.double().expand(WORLD.contexts, -1))
    kind = torch.arange(WORLD.contexts) % WORLD.kinds
    easy, hard = (float(length[kind == k].mean()) for k in (0, WORLD.kinds - 1))
    return {"accuracy": float(right.mean()), "length": float(length.mean()), "length, easy": easy, "length, hard": hard}
