"""ReTool: a policy that may run code while it reasons learns when and how to from outcomes alone, and what the interpreter says is not learned from.

World: four kinds of problems. In text three steps lead to an answer; each can be made in three ways, which come out right with chances from U(0.4, 0.9), drawn for each kind and
step, and nobody computes better than that. Or the policy writes one of four pieces of code. The right one for the kind returns the result with 0.9, else an error; another returns
an error with 0.7, else a wrong result. What the interpreter says is a token like any other (OK or ERR), which the policy may also write itself, without a result behind it, and
it cannot see the difference afterwards. An answer from a right result is right with 0.95, from nothing with 0.1. Twelve tokens at most, the interpreter's among them. At first
OK and ERR are unlikely, and so is to answer early. A seed draws the chances and which code is right.

Contexts (kind, and what was said last) share their logits in part, as a language model's do: a step in one moves another by a quarter for having the kind in common, a quarter for
the last token, and a quarter in any case. So what is learned where the interpreter speaks is learned elsewhere too.

Arms, policy gradients with the group's mean as baseline, 8 answers of each kind, 60 steps, from the same start: "text only" (code cannot be written), "one call" (after a first
call the interpreter says no more than ERR), "unmasked" (the tokens of the interpreter are learned from as the policy's own) and "ReTool". Rates tuned by "area", the mean of
"accuracy", exact, along 10, 20, 40 and 60 steps. "invented": how often the policy itself speaks as the interpreter, in an answer.

The smallest differences of interest: 0.02 of accuracy, 0.02 of a token.

Source: Feng et al. 2025, arXiv 2504.11536, abstract and summaries of its sections. There Qwen2.5-32B on AIME, a cold start on traces with code, and PPO with a critic, whose clip
does nothing where every batch is learned from once. Chosen here: the world, and how much contexts share. That text has a lower ceiling is put in."""

from dataclasses import replace

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.atlas.agents_tools._acting import Episodes, Process
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.parts import call
from guerdon.randomness import generator

system = System(
    title="ReTool: Reinforcement Learning for Strategic Tool Use in LLMs",
    link="https://arxiv.org/abs/2504.11536",
    kind="method",
    builds_on=("turns", "group-centred"),
    read="summary",
    note=(
        "Code within reasoning learns faster and further than text alone (0.86 beside 0.25 after ten steps; that text has a lower ceiling is put in), and being allowed to "
        "call again is worth 0.15. That the interpreter's tokens have to be left out of the loss does not show: learned from as the policy's own they do no harm (within 0.02), "
        "and the policy hardly ever speaks as the interpreter (0.0005 of a token in an answer)."
    ),
)
KINDS, STEPS, WAYS, CODES, TURNS, GUESS = 4, 3, 3, 4, 12, 0.1
CODE, ANSWER, OK, ERR = WAYS, WAYS + CODES, WAYS + CODES + 1, WAYS + CODES + 2
RAN = (
    1 + 2 * STEPS
)  # the states of a kind: text, which begins with 0; code that runs; a right result, a wrong one, one that was invented; an error; text after a call
GOT, FAILED = RAN + CODES, RAN + CODES + 3
AFTER = FAILED + 1
SIZE = AFTER + 2 * STEPS
STOPS = (10, 20, 40, 60)
recipe = {"ReTool": GroupCentred(scale=None)}
claim = AllOf(
    BetterThan("ReTool", "text only", on="accuracy", at="last", effect=0.02, matched="samples, updates", by_construction=True),
    BetterThan("ReTool", "text only", on="accuracy", at="first", effect=0.02, matched="samples, updates"),
    BetterThan("ReTool", "one call", on="accuracy", at="last", effect=0.02, matched="samples, updates"),
    BetterThan("ReTool", "unmasked", on="area", effect=0.02, matched="samples, updates"),
    BetterThan("ReTool", "unmasked", on="invented", effect=0.02, lower_is_better=True, matched="samples, updates"),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}
GRID = {arm: {"learning_rate": (9.0, 27.0, 81.0, 243.0)} for arm in ("text only", "one call", "unmasked", "ReTool")}
TUNED_BY = "area"


def problems(seed: int, calls: float) -> tuple[Process, Tensor, Tensor, Tensor]:
    """The process, where the policy cannot see what is right; [S, A], what an answer is worth; [S, A], what the interpreter says, and [S], whether it is it who speaks."""
    rng = generator(seed, "problems")
    able = 0.4 + 0.5 * torch.rand(KINDS, STEPS, WAYS, dtype=torch.float64, generator=rng)
    right = torch.randint(0, CODES, (KINDS,), generator=rng)
    leads = torch.zeros(KINDS * SIZE + 1, ERR + 1, KINDS * SIZE + 1, dtype=torch.float64)
    worth, says = torch.zeros(leads.shape[:2], dtype=torch.float64), torch.zeros(leads.shape[:2], dtype=torch.float64)
    seen = torch.full((len(leads),), KINDS * (STEPS + 1 + CODES + 2))
    for kind in range(KINDS):
        at, sees = kind * SIZE, kind * (STEPS + 1 + CODES + 2)
        for state in range(SIZE):
            here = at + state
            if RAN <= state < GOT:
                code = state - RAN
                seen[here] = sees + STEPS + 1 + code
                works = code == int(right[kind])
                says[here, OK], says[here, ERR] = (0.9, 0.1) if works else (0.3, 0.7)
                leads[here, OK, at + GOT + (0 if works else 1)] = leads[here, ERR, at + FAILED] = 1.0
                continue
            written = state if state < RAN else max(state - AFTER + 1, 0)  # an odd number: all right so far
            step, so_far, called = (written + 1) // 2, written % 2 if written else 1, state >= GOT
            seen[here] = sees + (STEPS + 1 + CODES + (state == FAILED) if GOT <= state <= FAILED else step)
            onward = at + (AFTER - 1 if called else 0) + 2 * step
            for way in range(WAYS):
                if step == STEPS:
                    leads[here, way, here] = 1.0
                    continue
                good = float(able[kind, step, way]) * so_far
                leads[here, way, onward + 1], leads[here, way, onward + 2] = good, 1 - good
            for code in range(CODES):
                leads[here, CODE + code, at + (FAILED if called and calls == 1 else RAN + code)] = 1.0
            leads[here, ANSWER, -1] = leads[here, OK, at + GOT + 2] = leads[here, ERR, at + FAILED] = 1.0
            worth[here, ANSWER] = (0.95, 0.0, GUESS)[state - GOT] if GOT <= state < FAILED else float(so_far) if step == STEPS else GUESS
    leads[-1, :, -1] = 1.0
    return Process(leads, SIZE * torch.arange(KINDS), TURNS, seen), worth, says, says.sum(-1) > 0


def shared(process: Process) -> Tensor:
    """[C, C], how far a step in one context moves another."""
    count = int(process.sees.max())
    context = torch.arange(count)
    kind, last = context // (count // KINDS), context % (count // KINDS)
    found = torch.zeros(count + 1, count + 1, dtype=torch.float64)
    found[:-1, :-1] = 0.25 + 0.25 * (kind == kind[:, None]) + 0.25 * (last == last[:, None]) + 0.25 * torch.eye(count)
    return found


def trial(arm: str, seed: int, scale: str, learning_rate: float) -> dict:
    process, worth, says, told = problems(seed, 1 if arm == "one call" else torch.inf)
    everything = Process(process.leads, process.starts, TURNS)  # in which the interpreter acts as well
    share, rng, dice = shared(process), generator(seed, "acting"), generator(seed, "answers")
    logits = process.logits()
    logits[:, OK:] = -2.0
    last = torch.arange(len(logits)) % (STEPS + 1 + CODES + 2)
    logits[(last < STEPS) | (last == STEPS + CODES + 2), ANSWER] = -1.5
    if arm == "text only":
        logits[:, CODE:ANSWER] = -40.0
    accuracy: dict[float, float] = {}
    steps, invented = max(STOPS) if scale == "full" else 3, 0.0
    for step in range(1, steps + 1):
        acted = torch.where(told.unsqueeze(-1), says.clamp(min=1e-30).log(), logits[process.sees])
        episodes: Episodes = everything.acted(acted, 8, rng)
        own = episodes.mask & ~told[episodes.states]
        said = (torch.rand(len(own), dtype=torch.float64, generator=dice) < episodes.total(worth)).double()
        mask = episodes.mask if arm == "unmasked" else own
        advantage = call(recipe["ReTool"], {"reward": said, "group": episodes.group, "mask": mask})
        slope = process.climbed(logits, replace(episodes, mask=mask), advantage, 1.0) - logits
        logits = logits + learning_rate * share @ slope
        if step in STOPS or step == steps:
            visits = everything.visits(torch.where(told.unsqueeze(-1), says.clamp(min=1e-30).log(), logits[process.sees]))[0]
            accuracy[float(step)] = float((visits * worth).sum())
            invented = float(visits[~told][:, OK:].sum())
    curve = {float(stop): accuracy.get(float(stop), accuracy[float(steps)]) for stop in STOPS}
    return {"accuracy": curve, "area": sum(curve.values()) / len(STOPS), "invented": invented}
