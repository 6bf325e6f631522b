"""Do the sampler, the learner and the plainest computation there is give the same log-probabilities, and the last two the same gradient?

The sampler runs step by step on a cache, the learner on one flat row in which shared contexts are computed once, with the output head at acted steps
only. The plain computation takes each sequence by itself, without padding, with all its logits.
"""

from typing import Any

import torch
from torch import Tensor

from guerdon.interfaces.preparing import Prepared
from guerdon.models import kernels
from guerdon.sequences import Sequences
from guerdon.tasks.encoding import template_variables

_ROWS = 4
BOUND = {"float32": 1e-3, "float64": 1e-6}  # half precision has no bound that would tell a fault from rounding


def look(prepared: Prepared, warnings: list[str]) -> dict[str, Any]:
    """The largest differences on a few sampled completions."""
    policy = prepared.model
    drawn = _draw(prepared)
    mask = drawn.mask
    if not mask.any():
        return {"tokens": 0}
    learner = policy.measure(drawn, {"logp"})["logp"]
    learned = _gradient(policy.module, learner[mask].sum())
    plain = plainly(policy, drawn)
    plainer = _gradient(policy.module, plain[mask].sum())
    computing = policy.computing
    found = {
        "tokens": int(mask.sum()),
        "sampler_learner": _largest(drawn.quantities["old_logp"], learner, mask),
        "learner_plain": _largest(learner, plain, mask),
        "gradient_plain": float((learned - plainer).norm() / plainer.norm().clamp(min=1e-12)),
        "dtype": str(next(computing.parameters()).dtype).removeprefix("torch."),
        "shares_contexts": policy.packed,
        "no_kernels_because": kernels.why_not(),
    }
    if policy.device.type == "cpu" and found["no_kernels_because"]:
        warnings.append(
            f"there are no compiled kernels ({found['no_kernels_because']}): what lies between matrix products is computed operation by operation, "
            "which is slower and right all the same"
        )
    if policy.unpacked_because:
        warnings.append(
            f"the model cannot read sequences from one row without padding ({policy.unpacked_because}): they are padded, and a prompt is computed "
            "anew for each of its completions, which is slower and right all the same"
        )
    bound = BOUND.get(found["dtype"])
    for name, what in (("sampler_learner", "sampler and learner"), ("learner_plain", "learner and the plain computation")):
        if bound is not None and found[name] > bound:
            warnings.append(
                f"the log-probabilities of {what} differ by up to {found[name]:.2g} nats, more than {bound:g}: ratios would be wrong"
            )
    if bound is not None and found["gradient_plain"] > 10 * bound:
        warnings.append(f"the gradients of the learner and the plain computation differ by {found['gradient_plain']:.2g} of their norm")
    return found


def plainly(policy: Any, sequences: Sequences) -> Tensor:
    """Log-probabilities [B, T] of the acted steps, one sequence at a time, from all its logits."""
    out = torch.zeros(sequences.mask.shape)
    for b, c in enumerate(sequences.context.tolist()):
        length = int(sequences.length[b])
        ids = torch.cat([sequences.contexts[c], sequences.actions[b, :length]]).unsqueeze(0).to(policy.device)
        logits = policy.computing(input_ids=ids, use_cache=False).logits[0].float() / sequences.temperature
        start = len(sequences.contexts[c])
        each = logits.log_softmax(-1)[start - 1 : start - 1 + length].gather(-1, ids[0, start:].unsqueeze(-1)).squeeze(-1)
        row = torch.zeros(out.shape[1])
        row[:length] = each.cpu()
        out[b] = torch.where(sequences.mask[b], row, 0.0)
    return out


def _draw(prepared: Prepared) -> Sequences:
    from guerdon.acting.samplers.group import Group

    rows = prepared.rows
    rows = [rows[i] for i in range(min(_ROWS, len(rows)))]
    contexts = [torch.tensor(prepared.encoder.encode_prompt(r["prompt"], **template_variables(r))) for r in rows]
    return Group(1)(prepared.model, contexts, prepared.settings.decoding, prepared.settings.budget.seed)


def _gradient(module: torch.nn.Module, value: Tensor) -> Tensor:
    """The gradient with respect to everything that is trained, as one vector."""
    module.zero_grad(set_to_none=True)
    value.backward()
    parameters = [p for p in module.parameters() if p.requires_grad]
    found = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten().float().cpu() for p in parameters])
    module.zero_grad(set_to_none=True)
    return found


def _largest(a: Tensor, b: Tensor, mask: Tensor) -> float:
    return float((a - b)[mask].detach().abs().max())
