"""iTool: where the model finds the right call unlikely, a tree search over the pieces of a call makes pairs, of which is learned; round by round, after an easy-to-hard start.

World: requests are vectors of 8 numbers that ask for calls: a simple one of two pieces (the tool, an argument), a complex one, three in ten, of five. A piece is one of four; which
is right is the largest of four linear functions of the request, others where it is complex. The model is linear in the request and, at 0.3 of its size, in the request where it is
complex, so that what is complex is learned late. Of the synthetic calls that it learns from one piece in ten is wrong. A seed draws the functions and the data: 300 requests.

All arms begin with the same 120 steps of SFT, on simple requests first (``easy_to_hard`` in the paper's manner: simple, then all), and go on for three rounds of 20 steps:

* "SFT": on all; "SFT, more data": on 900 requests from the beginning.
* "SFT, deficient": on the three in ten that are least expected (``least_expected``), chosen anew in each round.
* "sampled pairs": of each of these 16 calls are sampled, and the best and the worst compared (SimPO).
* "iTool": of each of these 16 simulations of a tree search over pieces (PUCT), and at each fork the best way on and the worst are compared (SimPO), with a value apart of 0.1.
* "iTool, all requests": the same without the choice.

A call is worth the share of its pieces that are those of the data. Tuned by "complex": rates, and the strength (beta) of SimPO, whose margin is 1.4 as in the authors' code.

"complex" and "simple": the share of 1000 new requests whose most likely call is right in all pieces. "more" is what "SFT, more data" has from its 600 further requests beyond
"SFT"; "first" what "SFT" has from its last 200 beyond 100.

The smallest difference of interest: 0.02.

Source: Zeng et al. 2025, arXiv 2501.09766, abstract, and the authors' code (zeng-yirong/iTool, ``mcts_vllm.py``, ``utils.py``, ``main.py``). There Llama-3.1-8B on ToolACE's data,
and BFCL and API-Bank; pieces of a call by punctuation, reward by words in common and by the model's own verdict. Chosen here: the world."""

from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.atlas import AllOf, BetterThan, System
from guerdon.data.curation.least_expected import LeastExpected
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.randomness import generator

system = System(
    title="iTool: Reinforced Fine-Tuning with Dynamic Deficiency Calibration for Advanced Tool Use",
    link="https://arxiv.org/abs/2501.09766",
    kind="method",
    builds_on=("least-expected", "tree-search", "sibling-pairs", "simpo", "sft"),
    read="code",
    note=(
        "Learning more from what is deficient does not pay: with all requests the same search does better by 0.02, and plain SFT at its best rate as well. What the search "
        "finds is worth more than pairs of sampled calls, by 0.02. That more data help less and less is not seen within 900 requests."
    ),
)
SIZE, PIECES, WAYS, SIMPLE, COMPLEX, NOISE, LATE = 8, 5, 4, 2, 0.3, 0.1, 0.3
WARM, WARM_RATE, ROUNDS, STEPS, SIMULATIONS, APART, MARGIN, EXPLORE = 120, 30.0, 3, 20, 16, 0.1, 1.4, 1.0
NODES = sum(WAYS**depth for depth in range(PIECES))
DEFICIENT = LeastExpected(0.3)
recipe = {"iTool": Logistic(lead=MARGIN), "deficient": DEFICIENT}
claim = AllOf(
    BetterThan("iTool", "SFT", on="complex", effect=0.02, matched="data, updates"),
    BetterThan("iTool", "SFT, deficient", on="complex", effect=0.02, matched="data, updates"),
    BetterThan("iTool", "sampled pairs", on="complex", effect=0.02, matched="calls scored, updates"),
    BetterThan("iTool", "iTool, all requests", on="complex", effect=0.02, matched="updates"),
    BetterThan("SFT", 0.0, on="decay", effect=0.02),
)
SEEDS = {"smoke": 1, "full": 16, "tune": 2}
_SFT = {"learning_rate": (0.3, 1.0, 3.0, 10.0, 30.0, 90.0)}
_PAIRS = {"learning_rate": (0.1, 0.3, 1.0), "beta": (1.0, 2.5)}
GRID = {"SFT": _SFT, "SFT, deficient": _SFT, "sampled pairs": _PAIRS, "iTool, all requests": _PAIRS, "iTool": _PAIRS}
TUNED_BY = "complex"


@dataclass(frozen=True)
class Requests:
    x: Tensor  # [R, F], what the model sees
    right: Tensor  # [R, pieces]
    mask: Tensor  # [R, pieces]
    data: Tensor  # [R, pieces], what the data say

    def some(self, rows: Tensor) -> "Requests":
        return Requests(self.x[rows], self.right[rows], self.mask[rows], self.data[rows])

    def likely(self, weights: Tensor) -> Tensor:
        """[R, pieces, ways], log-probabilities."""
        return torch.einsum("rf,pwf->rpw", self.x, weights).log_softmax(-1)

    def nll(self, weights: Tensor) -> Tensor:
        """[R], of a call, per piece."""
        each = self.likely(weights).gather(-1, self.data.unsqueeze(-1)).squeeze(-1)
        return -(each * self.mask).sum(-1) / self.mask.sum(-1)


def drawn(seed: int, purpose: str, count: int) -> Requests:
    rules = torch.randn(2, PIECES, WAYS, SIZE, dtype=torch.float64, generator=generator(seed, "rules"))
    rng = generator(seed, purpose)
    x = torch.randn(count, SIZE, dtype=torch.float64, generator=rng)
    hard = torch.rand(count, generator=rng) < COMPLEX
    right = torch.einsum("rf,rpwf->rpw", x, rules[hard.long()]).argmax(-1)
    wrong = torch.rand(right.shape, generator=rng) < NOISE
    data = torch.where(wrong, torch.randint(0, WAYS, right.shape, generator=rng), right)
    mask = (torch.arange(PIECES) < SIMPLE) | hard.unsqueeze(-1)
    return Requests(torch.cat([x, LATE * x * hard.unsqueeze(-1)], -1), right, mask, data)


def stepped(weights: Tensor, loss: Tensor, rate: float) -> Tensor:
    (slope,) = torch.autograd.grad(loss, weights)
    return (weights.detach() - rate * slope).requires_grad_()


def warmed(data: Requests, steps: int) -> Tensor:
    weights = torch.zeros(PIECES, WAYS, 2 * SIZE, dtype=torch.float64, requires_grad=True)
    simple = data.some((data.mask.sum(-1) == SIMPLE).nonzero().squeeze(-1))
    for step in range(steps):
        weights = stepped(weights, (simple if step < steps // 3 else data).nll(weights).mean(), WARM_RATE)
    return weights


def worth(data: Requests, calls: Tensor) -> Tensor:
    return ((calls == data.data) * data.mask).sum(-1) / data.mask.sum(-1).double()


def sampled(data: Requests, likely: Tensor, rng: torch.Generator) -> tuple[Tensor, ...]:
    """Pairs of whole calls: rows, chosen, rejected, and the pieces that count."""
    size = len(data.x)
    calls = torch.multinomial(likely.exp().flatten(0, 1), SIMULATIONS, replacement=True, generator=rng).view(size, PIECES, SIMULATIONS)
    score = torch.stack([worth(data, calls[..., k]) for k in range(SIMULATIONS)], 1)
    best, worst = score.argmax(-1), score.argmin(-1)
    rows = (score.amax(-1) - score.amin(-1) > APART).nonzero().squeeze(-1)
    return rows, calls[rows, :, best[rows]], calls[rows, :, worst[rows]], data.mask[rows]


def searched(data: Requests, likely: Tensor, rng: torch.Generator) -> tuple[Tensor, ...]:
    """Pairs of ways on at the forks of trees; a node is the number of what was said so far, those of a depth behind those before."""
    size, rows = len(data.x), torch.arange(len(data.x))
    visits = torch.zeros(size, NODES, WAYS, dtype=torch.float64)
    total = torch.zeros_like(visits)
    first = [sum(WAYS**d for d in range(depth)) for depth in range(PIECES)]
    for _ in range(SIMULATIONS):
        said, inside, way, calls = torch.zeros(size, dtype=torch.long), torch.ones(size, dtype=torch.bool), [], []
        for depth in range(PIECES):
            node, chance = first[depth] + said, likely[:, depth].exp()
            often = visits[rows, node]
            tried = often.sum(-1)
            score = total[rows, node] / often.clamp(min=1) + EXPLORE * chance * tried.sqrt().unsqueeze(-1) / (1 + often)
            own = torch.multinomial(chance, 1, generator=rng).squeeze(-1)
            chosen = torch.where(inside & (tried > 0), score.argmax(-1), own)
            way.append((node, chosen, (inside & data.mask[:, depth]).double()))
            inside = inside & (tried > 0)
            calls.append(chosen)
            said = WAYS * said + chosen
        found = worth(data, torch.stack(calls, 1))
        for node, chosen, counts in way:
            visits[rows, node, chosen] += counts
            total[rows, node, chosen] += counts * found
    value = total / visits.clamp(min=1)
    best, worst = value.masked_fill(visits == 0, -1.0).max(-1), value.masked_fill(visits == 0, 2.0).min(-1)
    row, node = ((best.values - worst.values > APART) & ((visits > 0).sum(-1) > 1)).nonzero(as_tuple=True)
    depth = torch.bucketize(node, torch.tensor(first), right=True) - 1
    chosen, rejected = (side.indices[row, node].unsqueeze(-1).expand(-1, PIECES) for side in (best, worst))
    return row, chosen, rejected, torch.nn.functional.one_hot(depth, PIECES).bool()


def exact(weights: Tensor, new: Requests) -> tuple[float, float]:
    right = ((new.likely(weights).argmax(-1) == new.right) | ~new.mask).all(-1).double()
    hard = new.mask.all(-1)
    return float(right[hard].mean()), float(right[~hard].mean())


def trial(arm: str, seed: int, scale: str, learning_rate: float, beta: float = 1.0) -> dict[str, float]:
    small = scale == "smoke"
    warm, rounds, steps = (6, 1, 2) if small else (WARM, ROUNDS, STEPS)
    data, new, rng = drawn(seed, "data", 60 if small else 300), drawn(seed, "new", 200 if small else 1000), generator(seed, arm)
    if arm == "SFT":
        found = {}
        for count in (100, 300, 900):
            own = (
                drawn(seed, "data", count if not small else count // 5) if count > 300 else data.some(torch.arange(min(count, len(data.x))))
            )
            weights = warmed(own, warm)
            for _ in range(rounds * steps):
                weights = stepped(weights, own.nll(weights).mean(), learning_rate)
            found[count] = exact(weights.detach(), new)
        gains = [found[300][0] - found[100][0], found[900][0] - found[300][0]]
        return {"complex": found[300][0], "simple": found[300][1], "decay": gains[0] - gains[1], "more data": found[900][0]}
    weights = warmed(data, warm)
    for _ in range(rounds):
        perplexity = data.nll(weights).detach().exp().tolist()
        rows = [{"row": row, "perplexity": one} for row, one in enumerate(perplexity)]
        kept = rows if arm.endswith("all requests") else DEFICIENT(rows)
        own = data.some(torch.tensor([row["row"] for row in kept]))
        if not arm.startswith("SFT"):
            likely = own.likely(weights).detach()
            row, chosen, rejected, pieces = (sampled if arm == "sampled pairs" else searched)(own, likely, rng)
            if not len(row):
                break
        for _ in range(steps):
            if arm.startswith("SFT"):
                weights = stepped(weights, own.nll(weights).mean(), learning_rate)
                continue
            said = own.likely(weights)[row]
            sides = ((said.gather(-1, side.unsqueeze(-1)).squeeze(-1) * pieces).sum(-1) / pieces.sum(-1) for side in (chosen, rejected))
            weights = stepped(weights, recipe["iTool"](*(beta * side for side in sides)).mean(), learning_rate)
    complex_, simple = exact(weights.detach(), new)
    return {"complex": complex_, "simple": simple}
