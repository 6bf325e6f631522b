"""PPD: a policy that has seen four comparisons of somebody pleases them more than one that was tuned to everybody, and between two people it goes from one to the other.

World: 40 items with eight-dimensional vectors from N(0, 1), which stand for images; people whose tastes are directions in a plane, with a
common part (agreement 0.3), and who judge by Bradley-Terry. A policy draws an item. It is trained from the uniform one by DPO, beta 1, each
pair in the name of who judged it, against the unconditioned policy as it was at the start. A seed is another world.

* PPD: 120 people with 16 comparisons each; four of them are what the policy sees of the person (embeddings and which was preferred, by
  cross-attention), the other twelve are what it is trained on;
* population DPO: the same network on the same twelve of everybody, which sees nobody;
* fitted alone: DPO on the four pairs of each person with a linear reward of their own: what one could do without others.

All are fitted by L-BFGS, with the ridge of 1e-4, 1e-3 and 1e-2 (of those fitted alone, for each person, 0.01, 0.1 and 1) that does best for
20 people who are not among those that count. Measured on 40 people whom no policy was trained on, with four comparisons each: the *win
rate*, how often an item of the policy is worth more to the person than one of population DPO's; and the mean worth of its items to the
person, in deviations over the items.

*Interpolation*: of each of those people and whoever disagrees with them most, what is read of the second takes the place of what is read of
the first by 0, 1/4 ... 1: the mean worth of the items to either. (Two runs of five and ten seeds paired people at random and were undecided
on it: the first lost and the second gained on average, but between people of one mind there is nothing to trade.)

The paper's items are images, drawn by a diffusion model that reads the user by additional cross-attention, the four pairs being embedded by
a vision-language model; its loss is Diffusion-DPO. That waits for the world of images; encoding the user, the conditioning, the loss for
all people at once and its reference are the same.

Source: Dang et al. 2025, arXiv 2501.06655.
"""

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, FallsWith, GrowsWith, System
from guerdon.atlas._comparing import minimise
from guerdon.atlas.pluralistic._people import RIDGES, squares
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.models.finite.scored_items import ItemPolicy, ScoredItems
from guerdon.models.heads.attended_user import AttendedUser
from guerdon.models.heads.separate_users import SeparateUsers
from guerdon.randomness import derive
from guerdon.sequences import Example
from guerdon.training.recipe import Recipe, Term
from guerdon.worlds.users._crowd import examples
from guerdon.worlds.users.linear_tastes import LinearTastes

system = System(
    title="Personalized Preference Fine-tuning of Diffusion Models",
    link="https://arxiv.org/abs/2501.06655",
    kind="method",
    builds_on=("diffusion-dpo", "user-encoder", "cross-attention-conditioning", "user-simulator"),
    note="On vectors: the experiment with images waits for their world.",
)
ITEMS, USERS, VALIDATION, PEOPLE, SHOTS, TRAINED = range(40), 120, 20, 40, 4, 12
STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)
DPO = (Term(Pairwise(LogRatio(beta=1.0), Logistic())),)
recipe = {"PPD": Recipe(DPO)}
WINS, WORTH = "win rate over population DPO", "worth of items"
FIRST, SECOND = "worth to the first, by interpolation", "worth to the second, by interpolation"
claim = AllOf(
    BetterThan("PPD", 0.5, on=WINS, by=0.05),
    FallsWith("PPD", on=FIRST, every_step=True),
    GrowsWith("PPD", on=SECOND, every_step=True),
)
SEEDS = {"smoke": 1, "full": 10}


def experiment(seed: int, scale: str) -> dict:
    small = scale == "smoke"
    users, validation, people = (16, 4, 8) if small else (USERS, VALIDATION, PEOPLE)
    world = LinearTastes(len(ITEMS), users + validation + people, 8, rank=2, agreement=0.3, strength=2.0, seed=derive(seed, "world"))
    utility = world.utility()
    standard = (utility - utility.mean(-1, keepdim=True)) / utility.std(-1, keepdim=True)
    verdicts = world.verdicts(range(world.users), SHOTS + TRAINED, ITEMS, derive(seed, "verdicts")).view(world.users, SHOTS + TRAINED, 3)
    tried, those = range(users, users + validation), range(users + validation, world.users)

    def shots(to: range) -> list[Example]:
        """What the policy sees of people, who are counted from 0 on."""
        return examples(verdicts[to, :SHOTS].flatten(0, 1), user=torch.arange(len(to)).repeat_interleave(SHOTS))

    def trained(ridge: float, sees: bool) -> ItemPolicy:
        policy = ScoredItems(world, AttendedUser(users, units=16)).build(seed)
        policy.module.double()
        reference = policy.reference()
        if sees:
            policy.acquaint(shots(range(users)))
        told = examples(verdicts[:users, SHOTS:].flatten(0, 1))
        minimise(policy, DPO, told, reference, steps=20 if small else 100, penalty=squares(policy, ridge))
        return policy

    def shown(policy: ItemPolicy, to: range) -> ItemPolicy:
        new = policy.for_new_users(len(to))
        new.acquaint(shots(to))
        return new

    def alone(ridge: float, to: range) -> ItemPolicy:
        policy = ScoredItems(world, SeparateUsers(len(to))).build(seed)
        policy.module.double()
        with torch.no_grad():
            policy.module["head"].own.zero_()
        minimise(policy, DPO, shots(to), penalty=squares(policy, ridge / len(to)))
        return policy

    def worth(policy: ItemPolicy, to: range) -> float:
        return float((probabilities(policy, len(to)) * standard[to]).sum(-1).mean())

    ridges = RIDGES[1:2] if small else RIDGES
    crowd = max((trained(ridge, False) for ridge in ridges), key=lambda policy: worth(policy.for_new_users(len(tried)), tried))
    policy = max((trained(ridge, True) for ridge in ridges), key=lambda policy: worth(shown(policy, tried), tried))
    ridge = max((0.01, 0.1, 1.0), key=lambda ridge: worth(alone(ridge, tried), tried))
    arms = {"PPD": shown(policy, those), "fitted alone": alone(ridge, those), "population DPO": crowd.for_new_users(len(those))}
    everybody = probabilities(arms["population DPO"], len(those))
    out: dict[str, dict] = {
        name: {WINS: win_rate(probabilities(arm, len(those)), everybody, standard[those]), WORTH: worth(arm, those)}
        for name, arm in arms.items()
    }
    first, second = between(arms["PPD"], standard[those])
    out["PPD"] |= {FIRST: dict(zip(STEPS, first, strict=True)), SECOND: dict(zip(STEPS, second, strict=True))}
    return out


@torch.no_grad()
def probabilities(policy: ItemPolicy, users: int) -> Tensor:
    """[U, I]"""
    return policy.log_probabilities(torch.arange(users)).exp()


def win_rate(policy: Tensor, other: Tensor, worth: Tensor) -> float:
    """How often an item of the one is worth more than one of the other, both [U, I], to those whom items are worth so much; the same item is a draw."""
    better = (worth.unsqueeze(-1) > worth.unsqueeze(-2)).double() + 0.5 * torch.eye(worth.shape[-1], dtype=torch.float64)
    return float(torch.einsum("ui,uij,uj->u", policy, better, other).mean())


@torch.no_grad()
def between(policy: ItemPolicy, worth: Tensor) -> tuple[list[float], list[float]]:
    """For each step, what the policy's items are worth to the first and to the second of two people, of whom it sees the second to that extent."""
    scorer, head = policy.scorer, policy.scorer.head
    module, items = scorer.module["head"], scorer.encoder.table.double()
    pairs = torch.stack([torch.arange(len(worth)), torch.corrcoef(worth).argmin(-1)], -1)
    seen = [
        torch.stack([head.seen(module, items, torch.full((len(items),), int(who))) for who in side]) for side in pairs.T
    ]  # [pairs, I, D]
    curves: tuple[list[float], list[float]] = ([], [])
    for share in STEPS:
        drawn = module["reward"](items + (1 - share) * seen[0] + share * seen[1]).squeeze(-1).softmax(-1)
        for side, curve in zip(pairs.T, curves, strict=True):
            curve.append(float((drawn * worth[side]).sum(-1).mean()))
    return curves
