"""Small reward models that are trained as large ones are: from a pretrained body, in batches, for a few epochs; many at once.

    score(x) = v . tanh(W2 tanh(W1 x + b1) + b2)        x [D] the features of an answer

*Pretraining* teaches the body to tell apart what there is: to regress 16 fixed random functions of the features (random networks of one hidden layer), the same for everybody, on
items of the reference. Bodies of other seeds begin elsewhere and see other batches. *Fine-tuning* puts a new linear head (small) on it and trains everything on comparisons, in
batches in an order of its own, by Adam, whose rate falls to 0 in a line. Both in float64; members do not touch one another, so a member is the same in an ensemble and alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from guerdon.losses.comparisons.logistic import Logistic
from guerdon.randomness import generator
from guerdon.worlds.finite.exploitable import Exploitable

WIDTH, TASKS = 32, 16
Networks = dict[str, Tensor]  # [E, ...] each


@dataclass(frozen=True)
class Training:
    """How members are trained on comparisons; the ``learning_rate`` may be one for each member. Of 0.003, 0.01 and 0.03 the default is best by the held-out likelihood after 1,000
    comparisons in the default world, or as good as the best where a half of the labels are a coin's."""

    learning_rate: float | tuple[float, ...] = 0.01
    epochs: int = 4
    batch: int = 32
    decay: float = 0.01  # of the weights, a step, times the learning rate


def score(networks: Mapping[str, Tensor], features: Tensor) -> Tensor:
    """[E, N, K] of features [E, N, D] (or [N, D] for all)."""
    hidden = torch.tanh(features @ networks["W1"] + networks["b1"])
    return torch.tanh(hidden @ networks["W2"] + networks["b2"]) @ networks["v"]


def pretrained(world: Exploitable, seeds: Sequence[int], steps: int = 150, batch: int = 64) -> Networks:
    """A body for each seed, with the head that regresses the tasks."""
    features, size = world.features(), world.features().shape[1]
    likely = world.reference().flatten() / world.contexts
    rng = generator(0, "pretraining tasks", size)
    teacher = torch.randn(size, WIDTH, dtype=torch.float64, generator=rng) / size**0.5
    mix = torch.randn(WIDTH, TASKS, dtype=torch.float64, generator=rng) / WIDTH**0.5
    truth = torch.tanh(features @ teacher) @ mix
    networks = _stacked([_drawn(size, seed) for seed in seeds])
    orders = [torch.multinomial(likely, steps * batch, replacement=True, generator=generator(seed, "pretraining")) for seed in seeds]
    order = torch.stack(orders).view(len(seeds), steps, batch)

    def loss(now: Networks, step: int) -> Tensor:
        items = order[:, step]
        return (score(now, features[items]) - truth[items]).square().mean((1, 2))

    return _trained(networks, loss, steps, torch.full((len(seeds),), 0.01, dtype=torch.float64), 0.0)


def tuned(world: Exploitable, bodies: Networks, verdicts: Tensor, seeds: Sequence[int], training: Training = Training()) -> Networks:
    """Each body under a new head, trained on the comparisons [n, 3] (one set for all) or [E, n, 3]; the head and the order are of the seed."""
    features, members = world.features(), len(seeds)
    pairs = (verdicts if verdicts.dim() == 3 else verdicts.expand(members, -1, -1))[..., 1:]
    heads = [0.01 * torch.randn(WIDTH, 1, dtype=torch.float64, generator=generator(seed, "head")) for seed in seeds]
    rngs = [generator(seed, "order") for seed in seeds]
    orders = torch.stack([torch.cat([torch.randperm(pairs.shape[1], generator=rng) for _ in range(training.epochs)]) for rng in rngs])
    steps = orders.shape[1] // training.batch
    orders = orders[:, : steps * training.batch].view(members, steps, training.batch)
    each, link = torch.arange(members).unsqueeze(-1), Logistic()

    def loss(now: Networks, step: int) -> Tensor:
        asked = pairs[each, orders[:, step]]
        said = score(now, features[asked.flatten(1)]).view(members, training.batch, 2)
        return link(said[..., 0].flatten(), said[..., 1].flatten()).view(members, -1).mean(-1)

    rate = torch.as_tensor(training.learning_rate, dtype=torch.float64).expand(members)
    return _trained({**bodies, "v": torch.stack(heads)}, loss, steps, rate, training.decay)


@torch.no_grad()
def scored(networks: Mapping[str, Tensor], world: Exploitable) -> Tensor:
    """[E, C, A], centred under the reference context by context."""
    said = score(networks, world.features()).squeeze(-1).view(-1, world.contexts, world.answers)
    return said - (world.reference() * said).sum(-1, keepdim=True)


def averaged(networks: Mapping[str, Tensor]) -> Networks:
    """One network, with the mean of all members' weights."""
    return {name: table.mean(0, keepdim=True) for name, table in networks.items()}


def chosen(networks: Mapping[str, Tensor], members: Sequence[int]) -> Networks:
    """Some of them."""
    return {name: table[list(members)] for name, table in networks.items()}


def _drawn(size: int, seed: int) -> Networks:
    rng = generator(seed, "body")

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, dtype=torch.float64, generator=rng) / shape[0] ** 0.5

    none = torch.zeros(1, WIDTH, dtype=torch.float64)
    return {"W1": normal(size, WIDTH), "b1": none, "W2": normal(WIDTH, WIDTH), "b2": none, "v": normal(WIDTH, TASKS)}


def _stacked(networks: Sequence[Networks]) -> Networks:
    return {name: torch.stack([one[name] for one in networks]) for name in networks[0]}


def _trained(networks: Networks, loss, steps: int, rate: Tensor, decay: float) -> Networks:
    """Adam for each member by itself (default betas), with decoupled weight decay."""
    now = {name: table.clone().requires_grad_(True) for name, table in networks.items()}
    first = {name: torch.zeros_like(table) for name, table in networks.items()}
    second = {name: torch.zeros_like(table) for name, table in networks.items()}
    for step in range(steps):
        gradients = torch.autograd.grad(loss(now, step).sum(), list(now.values()))
        pace = (rate * (1 - step / steps)).view(-1, 1, 1)
        with torch.no_grad():
            for (name, table), gradient in zip(now.items(), gradients, strict=True):
                first[name].lerp_(gradient, 0.1)
                second[name].lerp_(gradient.square(), 0.001)
                mean, square = first[name] / (1 - 0.9 ** (step + 1)), second[name] / (1 - 0.999 ** (step + 1))
                table.sub_(pace * (mean / (square.sqrt() + 1e-8) + decay * table))
    return {name: table.detach() for name, table in now.items()}
