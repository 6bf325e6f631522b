"""Early rejection: a scorer of steps is asked after a few tokens of each, and what does not look well is not drawn to its end.

World: 12 prompts that are answered with eight letters out of three, two steps of four letters each, drawn evenly. Every letter adds to what an answer is worth by N(0, 1), another
number after every beginning, so that nothing makes the first letters of a step tell more or less than the others. The best tenth of the answers to a prompt are right. The scorer
knows what a beginning is worth on average over all ways on, but for an error of N(0, 0.5^2) that is always the same for the same beginning; a seed is another world and scorer.

Arms: a beam of steps (``acting.samplers.step_beam``) and early rejection after two letters, and after one, each with widths of 1 to 8 and four ways on from each beginning.

Measured along the width: "right", the share of prompts that are answered rightly, and "tokens" of a prompt, drawn and scored, of which the scorer is shown the whole beginning each
time; "share of the beam's", the tokens over those of the beam with the same width. "partial scores" is the correlation, along how many letters of a step there are, of what a step
adds to the score by then and in the end, over all steps.

Source: Cheshmi et al. 2025, arXiv 2508.01969, abstract, and its authors' code (github.com/scheshmi/accelerated-reasoning-ER-PRM, ``partial_beam_search.py``). There models of 1 B
to 8 B on mathematics, and 1.4 to 9 times less work; "several times" is here 1.4. Chosen here: the world, and that no more than 0.05 of the answers may be lost. The smallest
difference of interest at equal tokens: 0.02.
"""

import torch
from torch import Tensor

from guerdon.acting.samplers.early_rejection import EarlyRejection
from guerdon.acting.samplers.step_beam import StepBeam
from guerdon.atlas import AheadAlong, AllOf, BetterThan, GrowsWith, NoWorseThan, System
from guerdon.credit.segments.every_n import EveryN
from guerdon.models.finite.policy import TablePolicy
from guerdon.models.finite.tree import PrefixTree
from guerdon.randomness import derive, generator
from guerdon.sequences import Decoding, Sequences

system = System(
    title="Accelerating LLM Reasoning via Early Rejection with Partial Reward Modeling",
    link="https://arxiv.org/abs/2508.01969",
    kind="method",
    builds_on=("step-beam", "early-rejection", "prm"),
    read="code",
    untuned="searches without a setting but their width, along which they are compared",
    note=(
        "A score halfway through a step correlates with the whole step's by 0.70 and saves a third of the tokens, but 0.19 of the answers are lost with it, and a "
        "narrower beam that costs as much is ahead by 0.11: with three letters many ways begin alike, and less is left to choose from than with words."
    ),
)
STEP, LETTERS, WAYS = 4, 3, 4


def beam(width: int) -> StepBeam:
    return StepBeam(width=width, expansions=WAYS, steps=EveryN(STEP))


def early(tokens: int, width: int) -> EarlyRejection:
    return EarlyRejection(width=width, expansions=WAYS, tokens=tokens, steps=EveryN(STEP))


recipe = {"beam": beam(4), "early rejection": early(2, 4), "early rejection, 1 letter": early(1, 4)}
claim = AllOf(
    GrowsWith("partial scores", on="correlation", every_step=True),
    NoWorseThan("early rejection", "beam", on="right", at=4, margin=0.05, matched="width"),
    BetterThan("early rejection", 1 / 1.4, on="share of the beam's", at=4, lower_is_better=True),
    AheadAlong("early rejection", "beam", on="right", along="tokens", effect=0.02),
)
SEEDS = {"smoke": 1, "full": 40}
WIDTHS = {"smoke": (1, 4), "full": (1, 2, 4, 8)}


class World:
    """``score`` [C, P, V] of each letter after each beginning, as the scorer says it; ``right`` of the last ones."""

    def __init__(self, prompts: int, steps: int, seed: int):
        self.tree = PrefixTree(LETTERS, STEP * steps)
        rng, shape = generator(seed, "letters"), (prompts, self.tree.prefixes, LETTERS)
        adds = torch.randn(shape, dtype=torch.float64, generator=rng)
        first = [sum(LETTERS**k for k in range(t)) for t in range(self.tree.depth + 1)]
        after = torch.zeros_like(adds)  # what is to come after each letter, on average
        for t in reversed(range(self.tree.depth - 1)):
            below = (adds + after)[:, first[t + 1] : first[t + 2]].mean(-1)
            after[:, first[t] : first[t + 1]] = below.unflatten(1, (-1, LETTERS))
        so_far = adds.clone()
        for t in range(1, self.tree.depth):
            before = so_far[:, first[t - 1] : first[t]].flatten(1)
            so_far[:, first[t] : first[t + 1]] += before.unsqueeze(-1)
        ends = so_far[:, first[-2] :]
        best = ends.flatten(1).quantile(0.9, dim=1)
        self.right = so_far >= best.view(-1, 1, 1)
        self.score = so_far + after + 0.5 * torch.randn(shape, dtype=torch.float64, generator=rng)

    def policy(self) -> TablePolicy:
        return TablePolicy(self.tree, torch.zeros_like(self.score))

    def last(self, table: Tensor, found: Sequences) -> Tensor:
        """What a table says of the last letter of each."""
        at = (found.length - 1).unsqueeze(-1)
        node = self.tree.nodes(found.actions).gather(1, at).squeeze(-1)
        return table[torch.cat(found.contexts)[found.context], node, found.actions.gather(1, at).squeeze(-1)]

    def correlations(self, seed: int) -> dict[float, float]:
        """Of what a step adds to the score by its t-th letter and by its end."""
        rng = generator(seed, "answers")
        many = 4000
        actions = torch.randint(LETTERS, (many, self.tree.depth), generator=rng)
        prompt = torch.randint(len(self.score), (many, 1), generator=rng)
        said = self.score[prompt, self.tree.nodes(actions), actions].view(many, -1, STEP)
        begun = torch.cat([torch.zeros(many, 1, dtype=torch.float64), said[:, :-1, -1]], 1).unsqueeze(-1)
        added = (said - begun)[:, 1:].flatten(0, 1) if said.shape[1] > 1 else (said - begun).flatten(0, 1)
        return {float(t + 1): float(torch.corrcoef(torch.stack([added[:, t], added[:, -1]]))[0, 1]) for t in range(STEP - 1)}


def experiment(seed: int, scale: str) -> dict:
    world = World(3 if scale == "smoke" else 12, 1 if scale == "smoke" else 2, seed)
    policy = world.policy()
    contexts = [torch.tensor([c]) for c in range(len(world.score))]

    def score(found: Sequences) -> Tensor:
        return world.last(world.score, found)

    arms: dict[str, dict[str, dict[float, float]]] = {"partial scores": {"correlation": world.correlations(seed)}}
    for name, made in (("beam", beam), ("early rejection", lambda w: early(2, w)), ("early rejection, 1 letter", lambda w: early(1, w))):
        own: dict[str, dict[float, float]] = {"right": {}, "tokens": {}, "share of the beam's": {}}
        for width in WIDTHS[scale]:
            found = made(width)(policy, contexts, Decoding(world.tree.depth), derive(seed, "search", width), score)
            tokens = float((found.quantities["drawn_tokens"] + found.quantities["scored_tokens"]).mean())
            own["right"][width] = float(world.last(world.right, found).double().mean())
            own["tokens"][width] = tokens
            own["share of the beam's"][width] = tokens / (arms["beam"]["tokens"][width] if "beam" in arms else tokens)
        arms[name] = own
    return arms
