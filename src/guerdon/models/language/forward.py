"""The forward pass: padded rows through a causal LM, its head applied at acted steps only, a tile at a time."""

from collections.abc import Callable, Sequence, Set

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from guerdon.sequences import Sequences, pad

TILE = 2**22  # logits that exist at once: 16 MB in float32, which the allocator of glibc still serves from memory it has


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


def at_acted_steps(module: nn.Module, sequences: Sequences, device: torch.device, names: Set[str], plain_head: bool) -> dict[str, Tensor]:
    """The named functionals [S] at the S acted steps, in the order of ``mask.nonzero()``; ``hidden`` [S, D] where it is named.

    The output head is applied to acted steps only, and with a plain head (see ``has_plain_head``) in tiles whose logits are dropped at once
    and computed again in the backward pass: logits of all steps never exist together.
    """
    ids, attention, predicts = rows_of(sequences, device)
    taken = sequences.actions[sequences.mask].to(device)
    wanted = sorted(names & FUNCTIONALS.keys())
    if plain_head:
        hidden = body_of(module)(input_ids=ids, attention_mask=attention, use_cache=False).last_hidden_state
        hidden = hidden.flatten(0, 1).index_select(0, predicts)
        values = tiled(output_head(module), hidden, taken, sequences.temperature, wanted)
    else:
        logits, hidden = _through_the_model(module, ids, attention, predicts)
        values = [FUNCTIONALS[name](logits / sequences.temperature, taken) for name in wanted]
    out = dict(zip(wanted, values, strict=True))
    return out | {"hidden": hidden} if "hidden" in names else out


def tiled(head: nn.Module, hidden: Tensor, taken: Tensor, temperature: float, names: Sequence[str]) -> list[Tensor]:
    """Functionals [S] of ``head(hidden)``, tile by tile."""

    def one(tile: Tensor, steps: Tensor) -> tuple[Tensor, ...]:
        logits = head(tile)
        logits = logits / temperature if temperature != 1.0 else logits
        return tuple(FUNCTIONALS[name](logits, steps) for name in names)

    rows = max(TILE // output_size(head), 16)
    if not len(hidden) or not names:
        return [hidden.new_zeros(0, dtype=torch.float32) for _ in names]
    if len(hidden) <= rows:
        return list(one(hidden, taken))
    tiles = zip(hidden.split(rows), taken.split(rows), strict=True)
    if torch.is_grad_enabled():
        found = [checkpoint(one, tile, steps, use_reentrant=False, preserve_rng_state=False) for tile, steps in tiles]
    else:
        found = [one(tile, steps) for tile, steps in tiles]
    return [torch.cat(each) for each in zip(*found, strict=True)]


def _through_the_model(module: nn.Module, ids: Tensor, attention: Tensor, predicts: Tensor) -> tuple[Tensor, Tensor]:
    """Logits [S, V] and hidden states [S, D] by the model's own forward pass, whatever it does to its logits (scaling, soft caps): the rows are
    picked out just before its output head, by a hook."""
    seen: list[Tensor] = []

    def select(_: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        seen.append(args[0].flatten(0, 1).index_select(0, predicts))
        return (seen[0].unsqueeze(0), *args[1:])

    hook = output_head(module).register_forward_pre_hook(select)
    try:
        logits = module(input_ids=ids, attention_mask=attention, use_cache=False).logits[0]
    finally:
        hook.remove()
    return logits, seen[0]


@torch.no_grad()
def has_plain_head(module: nn.Module, device: torch.device) -> bool:
    """Whether the model's logits are its output head applied to its last hidden states and nothing else, tried on a few tokens."""
    ids = torch.arange(4, device=device).unsqueeze(0) % output_size(output_head(module))
    whole = module(input_ids=ids, use_cache=False).logits
    mine = output_head(module)(body_of(module)(input_ids=ids, use_cache=False).last_hidden_state)
    return whole.shape == mine.shape and torch.equal(whole, mine)


def hidden_states(module: nn.Module, sequences: Sequences, device: torch.device) -> tuple[Tensor, Tensor]:
    """The last hidden states [B, L, D] without the output head, and where each row's last real position is [B]."""
    ids, attention, _ = rows_of(sequences, device)
    hidden = body_of(module)(input_ids=ids, attention_mask=attention, use_cache=False).last_hidden_state
    return hidden, attention.sum(-1) - 1


def causal_lm(module: nn.Module) -> nn.Module:
    """The causal LM itself, with its adapters inside if it has any."""
    return module.get_base_model() if hasattr(module, "get_base_model") else module


def body_of(module: nn.Module) -> nn.Module:
    """What turns tokens into hidden states."""
    return causal_lm(module).base_model


def output_head(module: nn.Module) -> nn.Module:
    """The layer that turns hidden states into logits."""
    return causal_lm(module).get_output_embeddings()


def output_size(head: nn.Module) -> int:
    """V, as the head has it."""
    return head.weight.shape[0]


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
