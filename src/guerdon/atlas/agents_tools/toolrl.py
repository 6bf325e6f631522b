"""ToolRL: a reward that says how much of a call was right teaches calls sooner than one that says whether all of it was.

World: sixteen requests, each of which wants a call of one of four tools with two of its three arguments, each of four values. A policy says a tool, an argument, its value,
another argument and its value; logits of a table for each request and place, so that one of 2,304 ways of saying it is drawn blindly (two, as the order of arguments is free).
A seed draws the requests.

Arms, GRPO without a scale over 16 answers, 30 steps (in 60 all arms had learned everything): "fine" (``tool_calls``: tool, names and values), "names" (what is left of it if no
value counts until all do: the intermediate grain of the authors' code is closest), "coarse" (all or nothing), "coarse, four times" (64 answers), and "shape", token F1 of the
call as text, another reward that says how much. Tuned by what is called right after 10 steps.

"right": the chance that the whole call is, exact; "early": after 10 steps.

The smallest difference of interest: 0.02 of a chance.

Source: Qian et al. 2025, arXiv 2504.13958, abstract, and the authors' code (qiancheng0/ToolRL, ``rlla.py``), to which the part is held. There Qwen and Llama models of 1.5 B to
7 B, rewards for form and length and their schedules, and SFT, which a table cannot generalise from and which is left out here. Chosen here: the world."""

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.feedback.rewards.token_f1 import f1
from guerdon.parts import call
from guerdon.randomness import generator
from guerdon.tasks.calls import Call
from guerdon.tasks.tool_calls import ToolCalls, share

system = System(
    title="ToolRL: Reward is All Tool Learning Needs",
    link="https://arxiv.org/abs/2504.13958",
    kind="reward",
    builds_on=("tool-calls", "group-centred"),
    read="code",
    note=(
        "Parts of a call earn much beside all or nothing at equal samples (0.35 of a chance after ten steps, 0.16 in the end), and beside names alone. But four times the samples "
        "for the coarse reward do more (by 0.09), and so does token F1 of the call as text (by 0.07): what matters is that much of a call earns something, and not which parts. "
        "Confirmed twice, since what scores calls moved to another floor: at first neither of these two was told apart from it."
    ),
)
REQUESTS, SIZES, STEPS, EARLY = 16, (4, 3, 4, 3, 4), 30, 10
PART = ToolCalls()
recipe = {"fine": PART}
claim = AllOf(
    BetterThan("fine", "coarse", on="early", effect=0.02, matched="samples, updates"),
    BetterThan("fine", "coarse", on="right", effect=0.02, matched="samples, updates"),
    BetterThan("fine", "coarse, four times", on="early", effect=0.02, matched="updates"),
    BetterThan("fine", "names", on="early", effect=0.02, matched="samples, updates"),
    BetterThan("fine", "shape", on="early", effect=0.02, matched="samples, updates"),
)
ARMS = ("coarse", "coarse, four times", "names", "shape", "fine")
SEEDS = {"smoke": 1, "full": 20, "tune": 2}
GRID = {arm: {"learning_rate": (1.0, 3.0, 9.0)} for arm in ARMS}
TUNED_BY = "early"


def said(places: list[int]) -> Call:
    tool, first, one, second, other = places
    return Call(f"tool{tool}", {f"a{first}": one, f"a{second}": other})


def as_text(one: Call) -> str:
    return " ".join([one.name, *(f"{name} {name}{value}" for name, value in one.arguments.items())])


def paid(arm: str, wanted: Call, called: Call) -> float:
    if arm.startswith("coarse"):
        return PART.highest if (wanted.name, wanted.arguments) == (called.name, called.arguments) else PART.lowest
    if arm == "shape":
        return PART.lowest + (PART.highest - PART.lowest) * f1(as_text(called), as_text(wanted))
    if arm == "names" and wanted.arguments != called.arguments:
        called = Call(called.name, dict.fromkeys(called.arguments, -1))
    return PART.lowest + (PART.highest - PART.lowest) * share([wanted], [called])


def chance(policy: list[Tensor], right: Tensor) -> float:
    """That the call is right, in either order of its arguments."""
    rows = torch.arange(len(right))
    total = torch.zeros(len(right), dtype=torch.float64)
    for order in ((0, 1, 2, 3, 4), (0, 3, 4, 1, 2)):
        total += torch.stack([policy[place][rows, right[:, own]] for place, own in enumerate(order)]).prod(0)
    return float(total.mean())


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict[str, float]:
    rng = generator(seed, "requests")
    right = torch.stack([torch.randint(0, size, (REQUESTS,), generator=rng) for size in SIZES], 1)
    right[:, 3] = (right[:, 1] + 1 + torch.randint(0, 2, (REQUESTS,), generator=rng)) % 3
    wanted = [said(row) for row in right.tolist()]
    logits = [torch.zeros(REQUESTS, size, dtype=torch.float64) for size in SIZES]
    small = scale == "smoke"
    each, early = 64 if arm.endswith("times") and not small else 16, 0.0
    group = torch.arange(REQUESTS).repeat_interleave(each)
    steps = 3 if small else STEPS
    for step in range(steps):
        policy = [one.softmax(-1) for one in logits]
        drawn = torch.stack([torch.multinomial(one, each, replacement=True, generator=rng).flatten() for one in policy], 1)
        known: dict[tuple[int, ...], float] = {}
        for request, *places in torch.cat([group.unsqueeze(-1), drawn], 1).tolist():
            if (request, *places) not in known:
                known[request, *places] = paid(arm, wanted[request], said(places))
        reward = torch.tensor([known[tuple(row)] for row in torch.cat([group.unsqueeze(-1), drawn], 1).tolist()], dtype=torch.float64)
        given = {"reward": reward, "group": group, "mask": torch.ones(drawn.shape, dtype=torch.bool)}
        gain = call(GroupCentred(scale=None), given)
        for place, (one, p) in enumerate(zip(logits, policy, strict=True)):
            g = torch.zeros(one.numel(), dtype=torch.float64).index_add(0, group * one.shape[1] + drawn[:, place], gain[:, place] / each)
            g = g.view(one.shape)
            logits[place] = one + learning_rate * (g - p * g.sum(-1, keepdim=True))
        if step + 1 == (1 if small else EARLY):
            early = chance([one.softmax(-1) for one in logits], right)
    return {"right": chance([one.softmax(-1) for one in logits], right), "early": early}
