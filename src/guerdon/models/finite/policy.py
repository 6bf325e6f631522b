"""The running finite policy: a softmax over V actions at every prefix of every context."""

import copy
import json
import math
from collections.abc import Mapping, Sequence, Set
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models import Model
from guerdon.models._comparing import compared_with
from guerdon.models.finite.tree import PrefixTree, context_indices
from guerdon.models.language.functionals.jensen_shannon import weight_of
from guerdon.models.language.functionals.trimmed_entropy import entropy_of, share_of, trimmed
from guerdon.quantities import TOP, Name
from guerdon.sequences import Decoding, Sequences, as_read
from guerdon.steps import clean

TINY = 1e-300  # the smallest probability that ``distribute`` writes into a table


class TablePolicy:
    """A policy over the sequences of a tree. ``module`` holds ``logits`` [C, P, V]: contexts, prefixes, actions."""

    measures = frozenset(
        {"logp", "entropy", "trimmed_entropy", "collision_entropy", "self_certainty", "log_sum_exp", "top_logp", "top_action", "logits"}
    )
    compares = frozenset({"kl", "forward_kl", "jensen_shannon", "seen_top_logp", "shared_top_logp", "sorted_gap"})

    def __init__(self, tree: PrefixTree, logits: Tensor) -> None:
        if logits.dim() != 3 or logits.shape[1:] != (tree.prefixes, tree.vocabulary):
            raise InputError(
                f"the logits of {tree} have shape {tuple(logits.shape)}: give (contexts, {tree.prefixes} prefixes, {tree.vocabulary} actions)"
            )
        self.tree = tree
        self.module = nn.ParameterDict({"logits": nn.Parameter(logits.detach().clone().double())})

    @property
    def logits(self) -> Tensor:
        return self.module["logits"]

    @property
    def ends(self) -> Tensor:
        """The actions that end a sequence before its full depth."""
        return torch.tensor([] if self.tree.end is None else [self.tree.end], dtype=torch.long)

    @property
    def contexts(self) -> int:
        """C, how many contexts there are."""
        return self.logits.shape[0]

    def measure(self, sequences: Sequences, names: Set[str], views: Mapping[str, Model] | None = None) -> dict[str, Tensor]:
        """``logp``, ``entropy``, ``trimmed_entropy(share)``, ``collision_entropy``, ``self_certainty``, ``log_sum_exp`` [B, T], ``top_logp`` [B, T, K] in nats,
        ``top_action`` [B, T, K], ``logits`` [B, T, V], normalised: the next step's log-probabilities. And, of each step, what compares with one of the views
        (``ref_kl``), which are constants: ``kl``, ``forward_kl``, ``jensen_shannon`` and ``sorted_gap`` [B, T], ``seen_top_logp`` and ``shared_top_logp`` [B, T, K].

        All at the temperature at which the sequences were drawn.
        """
        others = compared_with(names, self.compares, views or {}, self._like)
        unknown = {name for name in names if Name.parse(name).quantity not in self.measures | self.compares}
        if unknown:
            raise InputError(f"a finite policy measures {', '.join(sorted(self.measures))}, not {', '.join(sorted(unknown))}")
        where = context_indices(sequences, self.contexts).unsqueeze(-1)
        actions, mask = self._inside(sequences)
        read = actions if "fed" not in sequences.quantities else self._inside(as_read(sequences))[0]
        scores = self.logits[where, self.tree.nodes(read)] / sequences.temperature
        steps = scores.log_softmax(-1)
        computed = {}
        if "logp" in names:
            computed["logp"] = clean(steps.gather(-1, actions.unsqueeze(-1)).squeeze(-1), mask)
        if "entropy" in names:
            computed["entropy"] = clean(-(steps.exp() * steps).sum(-1), mask)
        for name in names:
            if (parsed := Name.parse(name)).quantity == "trimmed_entropy":
                computed[name] = clean(entropy_of(trimmed(steps, share_of(parsed.at))), mask)
        if "collision_entropy" in names:
            computed["collision_entropy"] = clean(-(2 * steps).logsumexp(-1), mask)
        if "self_certainty" in names:
            computed["self_certainty"] = clean(-steps.mean(-1) - math.log(steps.shape[-1]), mask)
        if "log_sum_exp" in names:
            computed["log_sum_exp"] = clean(scores.logsumexp(-1), mask)
        if "logits" in names:
            computed["logits"] = steps * mask.unsqueeze(-1)
        if not names.isdisjoint({"top_logp", "top_action"}):
            logp, action = steps.sort(dim=-1, descending=True, stable=True)
            top = {"top_logp": logp[..., :TOP], "top_action": action[..., :TOP]}
            computed |= {name: clean(value, mask.unsqueeze(-1)) for name, value in top.items() if name in names}
        for view, other in others.items():
            theirs = other.measure(sequences, {"logits"})["logits"].detach()
            if f"{view}_kl" in names:
                computed[f"{view}_kl"] = clean((steps.exp() * (steps - theirs)).sum(-1), mask)
            if f"{view}_forward_kl" in names:
                computed[f"{view}_forward_kl"] = clean((theirs.exp() * (theirs - steps)).sum(-1), mask)
            if f"{view}_sorted_gap" in names:
                apart = steps.exp().sort(dim=-1).values - theirs.exp().sort(dim=-1).values
                computed[f"{view}_sorted_gap"] = clean(apart.abs().sum(-1), mask)
            for name in names:
                if (parsed := Name.parse(name)).view == view and parsed.quantity == "jensen_shannon":
                    computed[name] = clean(_jensen_shannon(steps, theirs, weight_of(parsed.at)), mask)
            for name, here, there in ((f"{view}_seen_top_logp", theirs, steps), (f"{view}_shared_top_logp", steps, theirs)):
                if name in names:
                    most = there.sort(dim=-1, descending=True, stable=True).indices[..., :TOP]
                    computed[name] = clean(here.gather(-1, most), mask.unsqueeze(-1))
        return computed

    def log_probabilities(self) -> Tensor:
        """[C, S], log-probability of every sequence in the order of ``tree``, with gradients."""
        actions, mask = self.tree.actions, self.tree.mask
        steps = self.logits.log_softmax(-1)[:, self.tree.nodes(actions), actions]
        return (steps * mask).sum(-1)

    def probabilities(self, context: int) -> Tensor:
        """[S], probability of every sequence that ``enumerate(context)`` gives, in its order, with gradients."""
        return self.log_probabilities()[context].exp()

    def expect(self, values: Tensor) -> Tensor:
        """[C], the expectation of a number per sequence, ``values`` [C, S] (a world's ``rewards()``), with gradients."""
        return (self.log_probabilities().exp() * values).sum(-1)

    def kl(self, other: "TablePolicy") -> Tensor:
        """[C], KL(this || other) over whole sequences, in nats, with gradients."""
        logp = self.log_probabilities()
        return (logp.exp() * (logp - other.log_probabilities())).sum(-1)

    def enumerate(self, context: int) -> Sequences:
        """Every sequence that can answer the context, once."""
        return self.tree.sequences(context)

    @torch.no_grad()
    def sample(self, contexts: Sequence[Tensor], context: Tensor, decoding: Decoding, uniforms: Tensor) -> Sequences:
        """Invert the cumulative distribution at each uniform. ``old_logp`` is what ``measure`` gives of the result.

        Temperature 0 takes the most likely action, the first of equals, and records its log-probability at temperature 1. A context may hold, behind its index, the
        actions with which a sequence has begun; what is drawn goes on from there, as a language model goes on from a prompt with a beginning of its answer.
        """
        steps = min(self.tree.depth, decoding.max_completion_length)
        empty = torch.zeros(len(context), 0)
        index = [c[:1] for c in contexts]
        where = context_indices(Sequences(index, context, empty.long(), empty.bool(), torch.zeros(len(context))), self.contexts)
        begun = torch.tensor([len(c) - 1 for c in contexts])[context]
        node = torch.tensor([_reached(c[1:].tolist(), self.tree) for c in contexts])[context]
        alive = begun < self.tree.depth
        actions, logps, masks = [], [], []
        for step in range(steps):
            logits = self.logits[where, node.where(alive, torch.zeros_like(node))] / (decoding.temperature or 1.0)
            action = logits.argmax(-1) if decoding.temperature == 0 else _draw(logits, uniforms[:, step].double())
            logp = logits.log_softmax(-1).gather(-1, action.unsqueeze(-1)).squeeze(-1)
            actions.append(action * alive)
            logps.append(logp * alive)
            masks.append(alive)
            node = node * self.tree.vocabulary + action + 1
            if self.tree.end is not None:
                alive = alive & (action != self.tree.end)
            alive = alive & (begun + step + 1 < self.tree.depth)
        taken, mask = torch.stack(actions, 1), torch.stack(masks, 1)
        length = mask.sum(-1)
        ended = length + begun == self.tree.depth if self.tree.end is None else self.tree.terminated(taken, length)
        recorded = {"old_logp": torch.stack(logps, 1), "terminated": ended}
        return Sequences(list(contexts), context, taken, mask, length, recorded, decoding.temperature or 1.0)

    def reference(self) -> "TablePolicy":
        """A frozen copy of the policy as it is now."""
        frozen = copy.deepcopy(self)
        frozen.module.requires_grad_(False)
        return frozen

    @torch.no_grad()
    def mixed(self, other: "TablePolicy", weight: float) -> "TablePolicy":
        """See ``guerdon.models.Mixable``. Mixed step by step: of whole sequences ``geometric_mixture`` is normalised."""
        if not self._like(other) or other.logits.shape != self.logits.shape:
            raise InputError(
                f"only policies over the same contexts and tree can be mixed, not over {self.tree} and {getattr(other, 'tree', other)}"
            )
        own, others = self.logits.log_softmax(-1), other.logits.log_softmax(-1)
        frozen = TablePolicy(self.tree, own if weight == 0 else others if weight == 1 else (1 - weight) * own + weight * others)
        frozen.module.requires_grad_(False)
        return frozen

    def distribute(self, log_probabilities: Tensor) -> "TablePolicy":
        """The frozen policy over the same tree whose sequences have these log-probabilities [C, S] (normalised here, per context).

        Conditionals follow from the mass below each prefix. Steps of a probability below 1e-300 are given that; a prefix that is never
        reached has a uniform next step.
        """
        actions, mask = self.tree.actions, self.tree.mask
        cells = (self.tree.nodes(actions) * self.tree.vocabulary + actions)[mask]
        weights = log_probabilities.detach().double().softmax(-1).unsqueeze(-1).expand(-1, *mask.shape)[:, mask]
        mass = torch.zeros(len(weights), self.tree.prefixes * self.tree.vocabulary, dtype=torch.float64).index_add(1, cells, weights)
        frozen = TablePolicy(self.tree, mass.clamp(min=TINY).log().unflatten(1, (self.tree.prefixes, self.tree.vocabulary)))
        frozen.module.requires_grad_(False)
        return frozen

    def save(self, folder: Path, merge: bool = True) -> None:
        """Write ``policy.safetensors`` and ``policy.json``; ``load`` reads them. A table has no adapters to ``merge``."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        save_file({"logits": self.logits.detach().contiguous()}, folder / "policy.safetensors")
        tree = {"vocabulary": self.tree.vocabulary, "depth": self.tree.depth, "end": self.tree.end}
        (folder / "policy.json").write_text(json.dumps(tree) + "\n")

    def _like(self, other: Model) -> bool:
        return isinstance(other, TablePolicy) and other.tree.vocabulary == self.tree.vocabulary

    def _inside(self, sequences: Sequences) -> tuple[Tensor, Tensor]:
        """Actions and mask within the tree's depth; actions are 0 beyond a sequence's length, so that padding can be anything."""
        if sequences.actions.shape[1] > self.tree.depth:
            raise InputError(f"sequences of {sequences.actions.shape[1]} steps do not fit a finite policy of depth {self.tree.depth}")
        real = torch.arange(sequences.actions.shape[1]) < sequences.length.unsqueeze(-1)
        taken = torch.where(real, sequences.actions, 0)
        if len(taken) and not 0 <= int(taken.min()) <= int(taken.max()) < self.tree.vocabulary:
            raise InputError(f"an action is outside the vocabulary 0..{self.tree.vocabulary - 1} of this finite policy")
        return taken, sequences.mask


def _jensen_shannon(steps: Tensor, theirs: Tensor, weight: float) -> Tensor:
    mixed = torch.logaddexp(steps + math.log1p(-weight), theirs + math.log(weight))
    return weight * (theirs.exp() * (theirs - mixed)).sum(-1) + (1 - weight) * (steps.exp() * (steps - mixed)).sum(-1)


def _reached(actions: list[int], tree: PrefixTree) -> int:
    """The prefix that these actions lead to.

    Raises:
        InputError: they are no beginning that could be gone on with.
    """
    node = 0
    for action in actions:
        node = node * tree.vocabulary + action + 1
    if len(actions) >= tree.depth or tree.end in actions or not all(0 <= action < tree.vocabulary for action in actions):
        raise InputError(f"the beginning {actions} cannot be gone on with in {tree}: it is complete, or holds an action that is none")
    return node


def _draw(logits: Tensor, uniform: Tensor) -> Tensor:
    """[B, V] logits and [B] uniforms → [B] actions."""
    probabilities = logits.softmax(-1)
    action = torch.searchsorted(probabilities.cumsum(-1), uniform.unsqueeze(-1), right=True).squeeze(-1)
    possible = torch.where(probabilities > 0, torch.arange(logits.shape[-1]), 0).amax(-1)
    return torch.minimum(action, possible)  # the sum of the probabilities may round to less than the uniform


def load(folder: Path) -> TablePolicy:
    """The policy that ``TablePolicy.save`` wrote into the folder.

    Raises:
        InputError: the files are missing or damaged.
    """
    folder = Path(folder)
    try:
        tree = PrefixTree(**json.loads((folder / "policy.json").read_text()))
        return TablePolicy(tree, load_file(folder / "policy.safetensors")["logits"])
    except (OSError, ValueError, TypeError, KeyError, SafetensorError) as error:
        raise InputError(f"{folder} holds no finite policy that can be read ({error}): give a folder that one was saved to") from error
