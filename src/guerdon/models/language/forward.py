"""The plain forward pass: padded rows through a causal LM, its head applied at acted steps only."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from guerdon.sequences import Sequences, pad


def rows_of(sequences: Sequences, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """``input_ids`` and ``attention_mask`` [B, L], right-padded, and the flat index in B*L of the position that predicts each acted step."""
    starts = torch.tensor([len(c) for c in sequences.contexts])[sequences.context]
    lengths = starts + sequences.length
    ids = pad(
        [torch.cat([sequences.contexts[c], sequences.actions[b, : sequences.length[b]]]) for b, c in enumerate(sequences.context.tolist())],
        torch.long,
    )
    attention = torch.arange(ids.shape[1]) < lengths.unsqueeze(-1)
    b, t = sequences.mask.nonzero(as_tuple=True)
    predicts = b * ids.shape[1] + starts[b] + t - 1
    return ids.to(device), attention.to(device), predicts.to(device)


def at_acted_steps(
    module: nn.Module, sequences: Sequences, device: torch.device, keep_hidden: bool = False
) -> tuple[Tensor, Tensor | None]:
    """Logits [S, V] at the S acted steps, in the order of ``mask.nonzero()``, and the hidden states [S, D] they came from.

    The rows are picked out just before the output head, by a hook on it, so that logits of prompts and padding never exist and whatever
    the model does to its logits afterwards (scaling, soft caps) is kept.
    """
    ids, attention, predicts = rows_of(sequences, device)
    seen: list[Tensor] = []

    def select(_: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        hidden = args[0].flatten(0, 1).index_select(0, predicts)
        if keep_hidden:
            seen.append(hidden)
        return (hidden.unsqueeze(0), *args[1:])

    hook = output_head(module).register_forward_pre_hook(select)
    try:
        logits = module(input_ids=ids, attention_mask=attention, use_cache=False).logits[0]
    finally:
        hook.remove()
    return logits, (seen[0] if seen else None)


def hidden_states(module: nn.Module, sequences: Sequences, device: torch.device) -> tuple[Tensor, Tensor]:
    """The last hidden states [B, L, D] without the output head, and where each row's last real position is [B]."""
    ids, attention, _ = rows_of(sequences, device)
    body = module.get_base_model() if hasattr(module, "get_base_model") else module
    hidden = body.base_model(input_ids=ids, attention_mask=attention, use_cache=False).last_hidden_state
    return hidden, attention.sum(-1) - 1


def output_head(module: nn.Module) -> nn.Module:
    """The layer that turns hidden states into logits."""
    return (module.get_base_model() if hasattr(module, "get_base_model") else module).get_output_embeddings()


def scatter(values: Tensor, mask: Tensor) -> Tensor:
    """Values of the acted steps [S] back in their places [B, T] on the CPU, 0 elsewhere."""
    out = torch.zeros(mask.shape, dtype=values.dtype)
    return out.masked_scatter(mask, values.cpu())


def log_probability(logits: Tensor, taken: Tensor) -> Tensor:
    """Log-probability of the step taken, [S], in float32."""
    return logits.float().log_softmax(-1).gather(-1, taken.unsqueeze(-1)).squeeze(-1)


def entropy(logits: Tensor, taken: Tensor) -> Tensor:
    """Entropy of the next-step distribution, [S], in nats."""
    logp = logits.float().log_softmax(-1)
    return -(logp.exp() * logp).sum(-1)


# Functionals of the next-step distribution: what ``measure`` can compute from logits [S, V] and the steps taken [S].
FUNCTIONALS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"logp": log_probability, "entropy": entropy}
