"""A learner: a model, the terms of its loss, its optimiser; one call makes one step."""

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from guerdon import memory
from guerdon.errors import InputError, RunFailed
from guerdon.exponentials import exp, expm1
from guerdon.memory import AtOnce
from guerdon.models import Model
from guerdon.models.moving import onto, staying
from guerdon.models.sharding import as_held, is_sharded
from guerdon.parts import call, per_batch, per_group
from guerdon.processes import here
from guerdon.quantities import SIDES, Name
from guerdon.sequences import Batch
from guerdon.steps import clean
from guerdon.training.fitting_in import Smaller, each_part
from guerdon.training.measuring import cost_of, gather, held, of_whole, shared_out, shares_contexts, wanted_by
from guerdon.training.off_policy import observe_distance, observe_weights
from guerdon.training.optimisers import Optimiser
from guerdon.training.optimisers._building import clip, edges_of, held_alike, set_rate
from guerdon.training.optimisers._resting import resting
from guerdon.training.recipe import Term
from guerdon.training.tally import Tally

PATIENCE = 5  # so many non-finite steps in a row end the run


class Learner:
    """The running learner. ``state()`` and ``restore()`` cover the parameters, the optimiser and the counters.

    Args:
        rests: whether what the optimiser keeps lies in the host's memory.
        split: whether what is trained may be split over processes (``models.sharding``), which takes an optimiser that is ``elementwise`` as well.
    """

    def __init__(
        self,
        name: str,
        model: Model,
        terms: tuple[Term, ...],
        optimiser: Optimiser,
        tokens_per_micro_batch: AtOnce | int,
        views: Mapping[str, Model] | None = None,
        checkpointing: bool = False,
        split: bool = True,
        rests: bool = False,
    ):
        self.name, self.model, self.terms, self.specification = name, model, terms, optimiser
        self.views = {} if views is None else views  # what the model is compared with, micro-batch by micro-batch
        self.at_once = AtOnce.of(tokens_per_micro_batch)
        if hasattr(model, "checkpoints"):
            model.checkpoints = checkpointing
        elif checkpointing:
            raise InputError(
                f"budget.activation_checkpointing: it is for layers of a language model, and the {name} learns a {type(model).__name__}, whose activations are few; "
                "leave it out"
            )
        self.shards = here().several and split and hasattr(model, "shard") and getattr(optimiser, "elementwise", False)
        if self.shards:
            model.shard()
        self.parameters = [p for p in model.module.parameters() if p.requires_grad]
        if not self.parameters:
            raise InputError(
                f"the {name} has nothing that is trained: every parameter of its model is frozen, so that no step would change anything"
            )
        made = optimiser.build(self.parameters, edges_of(model.module))
        self.optimiser = resting(made) if rests else made
        self.steps, self.skipped_in_a_row = 0, 0

    def step(self, batches: Mapping[str, Batch], terms: tuple[Term, ...], optimiser: Optimiser, tally: Tally, fresh: bool = False) -> bool:
        """One optimiser step on ``terms`` (with numbers in the place of knobs). ``fresh``: the policy has not moved since it acted.

        Returns whether the step was made: one with a non-finite loss or gradient is skipped and counted.

        Raises:
            RunFailed: too many steps in a row were not finite.
        """
        if hasattr(self.model, "made"):
            self.model.made = self.steps
        by_stream = {stream: [t for t in terms if t.data == stream] for stream in batches}
        loss = self._total(batches, by_stream, tally, fresh)
        self._sum_gradients()
        norm = clip(self.parameters, optimiser.max_grad_norm)
        prefix = "" if self.name == "policy" else f"{self.name}/"
        if not (math.isfinite(loss) and math.isfinite(norm)):
            return self._skip(tally, prefix, loss, norm)
        self.skipped_in_a_row = 0
        set_rate(self.optimiser, optimiser.learning_rate)
        with _enough_for_a_step():
            self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        if self.shards:
            self.model.gather()
        self.steps += 1
        tally.add(f"{prefix}loss", loss)
        tally.add(f"{prefix}grad_norm", norm)
        tally.add(f"{prefix}learning_rate", optimiser.learning_rate)
        tally.add_sum("skipped_steps", 0, 1)
        return True

    def evaluate(self, batch: Batch, terms: tuple[Term, ...], tally: Tally) -> None:
        """The metrics of the terms on a batch, without a step."""
        with torch.no_grad():
            tally.add("loss", self._total({"": batch}, {"": [t for t in terms if not t.data]}, tally, False))

    def done(self) -> None:
        """No further step is made: the model is whole again on every process."""
        if self.shards:
            self.model.unshard()

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        trained = {name: p.detach().clone() for name, p in self.model.module.named_parameters() if p.requires_grad}
        return {"parameters": trained, "optimiser": self.optimiser.state_dict(), "steps": self.steps, "skipped": self.skipped_in_a_row}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Back to ``state()``."""
        own = dict(self.model.module.named_parameters())
        with torch.no_grad():
            for name, value in state["parameters"].items():
                own[name].copy_(as_held(value, own[name]))
        self.optimiser.load_state_dict(held_alike(state["optimiser"], self.optimiser))
        if self.shards:
            self.model.gather()
        self.steps, self.skipped_in_a_row = state["steps"], state["skipped"]

    def _skip(self, tally: Tally, prefix: str, loss: float, norm: float) -> bool:
        self.optimiser.zero_grad(set_to_none=True)
        self.skipped_in_a_row += 1
        tally.add_sum("skipped_steps", 1, 1)
        if self.skipped_in_a_row >= PATIENCE:
            raise RunFailed(
                f"{self.skipped_in_a_row} steps in a row were skipped because the {prefix}loss ({loss}) or its gradient norm ({norm}) was not "
                "finite; lower learning_rate, and look at the rewards and advantages of the last steps"
            )
        return False

    def _total(self, batches: Mapping[str, Batch], terms: Mapping[str, list[Term]], tally: Tally, fresh: bool) -> float:
        """The gradient of the terms on all streams, and their value. Begun anew where memory ran out: what a backward pass had added until then cannot be told
        from what it had not."""
        while True:
            self._drop_gradients()
            counted = Tally()
            try:
                loss = sum(self._backward(batch, terms[stream], counted, fresh) for stream, batch in batches.items())
            except Smaller:
                continue
            tally.join(counted)
            return loss

    def _drop_gradients(self) -> None:
        self.optimiser.zero_grad(set_to_none=True)
        if hasattr(self.model, "drop_gradients"):
            self.model.drop_gradients()

    def _backward(self, batch: Batch, terms: list[Term], tally: Tally, fresh: bool) -> float:
        """Add the gradient of the terms on one stream, micro-batch by micro-batch, those of this process, and return their value over all."""
        terms = [self._settled(term, batch) for term in terms]
        weights = [step_weights(term, batch) for term in terms]
        whole = any(per_batch(t.loss) for t in terms)
        if not whole and torch.is_grad_enabled():
            batch, weights = self._without_silent(batch, terms, weights, tally)
        group = held(batch, Name("group")) if any(per_group(t.loss) for t in terms) else None
        shared = shares_contexts(self.model)

        def split(tokens: int) -> tuple[list[Tensor], list[int]]:
            return ([torch.arange(len(batch))], here().own([1.0])) if whole else shared_out(batch, tokens, shared, group)

        def of_rows(rows: Tensor) -> tuple[Tensor | float, Tally]:
            counted = Tally()
            return self._of_rows(batch, rows, terms, weights, counted, fresh), counted

        def read(found: tuple[Tensor | float, Tally]) -> tuple[float, Tally]:
            value, counted = found
            counted.settle()
            return float(value), counted

        def cost(rows: Tensor) -> int:
            return cost_of(batch, rows, shared)

        values = []
        for _, (value, counted) in each_part(cost, split, self.at_once, of_rows, f"learning of the {self.name}", read):
            values.append(value)
            tally.join(counted)
        return sum(values)

    def _of_rows(self, batch: Batch, rows: Tensor, terms: list[Term], weights: list[Tensor], tally: Tally, fresh: bool) -> Tensor | float:
        """Add the gradient of the terms on one micro-batch, and return their value: on the model's device, where nothing waits for a number of it."""
        micro, scoring = batch.select(rows), next((t for t in terms if hasattr(t.loss, "scores")), None)
        correcting = next((t for t in terms if hasattr(t.loss, "corrections")), None)
        with staying():
            quantities = gather(micro, wanted_by(t.loss for t in terms), self.model, self.views)
        device = next((q.device for q in quantities.values() if isinstance(q, Tensor) and q.device.type != "cpu"), torch.device("cpu"))
        quantities = {name: onto(device, q)[0] if isinstance(q, Tensor) else q for name, q in quantities.items()}
        logp = quantities.get("logp")
        watched = fresh is False and logp is not None and logp.requires_grad
        if watched:
            logp.retain_grad()
        loss: Tensor | float = 0.0
        for term, weight, name in zip(terms, weights, names_of(terms), strict=True):
            each = call(term.loss, quantities)
            share = weight[rows][:, : each.shape[1]] if each.dim() > 1 else weight[rows].sum(-1)
            if share.any():
                (share,) = onto(device, share)
                loss = loss + term.weight * (share * torch.where(share != 0, each, torch.zeros_like(each))).sum()
            tally.add(f"losses/{name}", each.detach(), onto(device, mask_of(term, micro))[0] if each.dim() > 1 else None)
            if term is scoring:
                observe_scores(term, quantities, tally)
            if term is correcting:
                observe_weights(term.loss, quantities, tally)
        if isinstance(loss, Tensor) and loss.requires_grad and torch.is_grad_enabled():
            loss.backward()
        observe_policy(quantities, micro, tally, fresh, logp.grad if watched else None)
        return loss.detach() if isinstance(loss, Tensor) else 0.0

    def _sum_gradients(self) -> None:
        """The gradient of all rows, where each process has that of its own."""
        if not here().several:
            return
        if self.shards:
            self.model.scatter()
        own = [p for p in self.parameters if not is_sharded(p)]
        there = [any(said) for said in zip(*here().each(lambda: [p.grad is not None for p in own]), strict=True)]
        moved = [p for p, some in zip(own, there, strict=True) if some]
        for parameter in moved:
            parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        here().total(p.grad for p in moved)

    def _settled(self, term: Term, batch: Batch) -> Term:
        """The term with what its loss has to know of the whole batch put in as numbers."""
        if not hasattr(term.loss, "settle"):
            return term

        def measure(names: Set[str]) -> dict[str, Tensor]:
            return of_whole(batch, map(Name.parse, names), self.model, self.views, self.at_once)

        return replace(term, loss=term.loss.settle(measure))

    def _without_silent(self, batch: Batch, terms: list[Term], weights: list[Tensor], tally: Tally) -> tuple[Batch, list[Tensor]]:
        """The batch without the sequences of which every term says that they have neither a loss nor a gradient: nothing is computed for them."""
        names = [getattr(term.loss, "silent_without", None) for term in terms]
        found = [None if name is None else held(batch, Name(name)) for name in names]
        if any(value is None for value in found) or "" not in batch.sides:
            return batch, weights
        mask = batch.sides[""].mask
        live = torch.stack([((value != 0) & mask).any(-1) for value in found]).any(0)
        if live.all():
            return batch, weights
        for name in names_of(terms):
            tally.add_sum(f"losses/{name}", 0.0, float(mask[~live].sum()))
        tally.add_sum("frac_silent", float((~live).sum()), len(batch))
        for parameter in self.parameters:  # with nothing left to learn from the optimiser still makes its step, on a gradient of zeros
            if parameter.grad is None and not live.any():
                parameter.grad = torch.zeros_like(parameter)
        part = batch.select(live)
        width = part.sides[""].mask.shape[1]
        return part, [weight[live][:, :width] for weight in weights]


@contextlib.contextmanager
def _enough_for_a_step() -> Iterator[None]:
    """A step of the optimiser for which there is no memory cannot be made in parts, nor begun anew: part of it may have been made."""
    try:
        yield
    except Exception as error:
        if not memory.ran_out(error):
            raise
        raise RunFailed(
            "memory ran out in the step of the optimiser, which keeps numbers of its own for each that is trained; keep them elsewhere (budget.offload: [optimiser]), take an "
            "optimiser that keeps less (adamw_8bit, adafactor), or train less of the model (model.lora)"
        ) from error


def names_of(terms: Sequence[Term]) -> list[str]:
    """What the terms' losses are called in the metrics: the parts' names, with their places where several are of one kind."""
    names = [type(term.loss).__module__.rsplit(".", 1)[1] for term in terms]
    return [name if names.count(name) == 1 else f"{name}.{place}" for place, name in enumerate(names)]


def step_weights(term: Term, batch: Batch) -> Tensor:
    """The weights [B, T] (or [N, 1]) of a term on the whole batch, before it is split."""
    quantities: dict[str, Any] = {}
    if getattr(term.loss, "per_item", False):
        quantities["mask"] = torch.ones(len(batch), 1, dtype=torch.bool)
    else:
        quantities["mask"] = mask_of(term, batch)
    group = held(batch, Name("group"))
    quantities["group"] = torch.arange(len(batch)) if group is None else group
    weights = call(term.reduce, quantities)
    importance = held(batch, Name("weight"))
    return weights if importance is None else weights * importance.unsqueeze(-1)


def mask_of(term: Term, batch: Batch) -> Tensor:
    """The steps that a term's loss per step is averaged over: those of the only side, or of the one that it names, of the actor that it names, and, of these, those that
    it says are counted."""
    mask = batch.sides[getattr(term.loss, "side", next(iter(batch.sides)))].mask
    actor = getattr(term.loss, "actor", None)
    if actor is not None:
        mask = mask & (held(batch, Name("actor")) == actor).unsqueeze(-1)
    counted = term.loss.counted(lambda name: held(batch, Name.parse(name))) if hasattr(term.loss, "counted") else None
    return mask if counted is None else mask & counted


def observe_scores(term: Term, quantities: Mapping[str, Tensor], tally: Tally) -> None:
    """What is logged of the first loss that scores sequences: of comparisons accuracy and margins, of verdicts the scores of good and bad ones."""
    with torch.no_grad():
        scores = term.loss.scores(quantities)
    if "score" in scores:
        good = (term.loss.label(quantities) if hasattr(term.loss, "label") else quantities["label"]) > 0.5
        tally.add("rewards/reference_point", scores["reference_point"])
        for side, rows in zip(SIDES, (good, ~good), strict=True):
            tally.add(f"rewards/{side}", scores["score"], rows)
            if "logp" in quantities:
                tally.add(f"logps/{side}", quantities["logp"].sum(-1), rows)
        return
    chosen, rejected = (_reward(scores, side) for side in SIDES)
    if chosen.dim() > 1:  # vectors: no side has a reward of its own
        lead = term.loss.link.lead(chosen, rejected)
    else:
        lead = chosen - rejected
        tally.add("rewards/chosen", chosen)
        tally.add("rewards/rejected", rejected)
    tally.add("rewards/margins", lead)
    tally.add("rewards/accuracies", (lead > 0).to(lead.dtype) + 0.5 * (lead == 0).to(lead.dtype))
    for side in SIDES:
        if f"{side}_logp" in quantities:
            tally.add(f"logps/{side}", quantities[f"{side}_logp"].sum(-1))


def _reward(scores: Mapping[str, Tensor], side: str) -> Tensor:
    """The score of a side, as far as it is above the reference's where that one is scored by itself."""
    reference = scores.get(f"{side}_ref_score")
    return scores[f"{side}_score"] if reference is None else scores[f"{side}_score"] - reference


def observe_policy(quantities: Mapping[str, Tensor], batch: Batch, tally: Tally, fresh: bool, gradient: Tensor | None) -> None:
    """What is logged of the policy wherever it is measured anyway."""
    acted = batch.sides[""].mask if "" in batch.sides else None
    if acted is None:
        return
    logp, old, ref = (quantities.get(n) for n in ("logp", "old_logp", "ref_logp"))
    (mask,) = onto(
        next((q.device for q in (logp, quantities.get("ref_kl"), quantities.get("entropy")) if q is not None), acted.device), acted
    )
    if logp is not None and old is not None:
        gap = clean(logp.detach() - old, mask).abs()
        if fresh and acted.any():
            tally.add("sampling/sampling_logp_difference/mean", gap, mask)
            tally.highest("sampling/sampling_logp_difference/max", gap.max())
            if "proximal_logp" not in quantities:  # of which the whole batch was looked at before
                observe_distance(logp.detach() - old, mask, tally)
        tally.add("ratio", exp(logp.detach() - old), mask)
    if "ref_kl" in quantities:
        tally.add("kl", quantities["ref_kl"], mask)
    elif logp is not None and ref is not None:
        difference = clean(ref - logp.detach(), mask)
        tally.add("kl", expm1(difference) - difference, mask)
    if "entropy" in quantities:
        tally.add("entropy", quantities["entropy"], mask)
    for name in quantities:
        if name.startswith("trimmed_entropy("):
            tally.add("trimmed_entropy", quantities[name], mask)
    if gradient is not None and quantities.get("advantage") is not None:
        moved = mask & (quantities["advantage"] != 0)
        tally.add("clip_ratio/region_mean", (gradient == 0).to(gradient.dtype), moved)
