"""The forward pass: sequences through a causal LM, and where in its output each of them lies.

Two ways with the same result: a flat row without padding in which shared contexts are computed once (``layout``, ``attention``), and the
plain padded rows that any model takes. Which of them a model can go is tried, not looked up (``can_pack``).
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from guerdon.models.language.attention import Attending, NotSupported, by_its_own_code
from guerdon.models.language.checkpointing import Again, going_through
from guerdon.models.language.decoder import decoder_of
from guerdon.models.language.fused import fused_of
from guerdon.models.language.layout import Shape, few_sequences, lay_out
from guerdon.models.language.tiles import FUNCTIONALS, NextSteps, functionals, of_logits
from guerdon.models.moving import brought, onto
from guerdon.quantities import Name
from guerdon.sequences import Sequences, as_read, pad


@dataclass(frozen=True)
class Encoded:
    """Hidden states [P, D] of all places, the places [S] that predict the acted steps (in the order of ``mask.nonzero()``), those [B] of each
    sequence's last token, and those [B] of the last token of what it answers."""

    hidden: Tensor
    predicts: Tensor
    last: Tensor
    asked: Tensor


def encode(module: nn.Module, sequences: Sequences, device: torch.device, packed: bool, again: Again | None = None) -> Encoded:
    """The last hidden states of the sequences, before the output head. ``again``: see ``checkpointing``; None keeps what the gradient reads."""
    if packed:
        try:
            return _in_one_row(module, sequences, device, again)
        except NotSupported:  # a window that is shorter than these sequences
            pass
    return _in_padded_rows(module, sequences, device, again)


def _in_one_row(module: nn.Module, sequences: Sequences, device: torch.device, again: Again | None = None) -> Encoded:
    layout, body = lay_out(sequences, device), body_of(module)
    attending = Attending(layout, Shape.of(body.config.get_text_config()), device)
    tokens, positions, *places = onto(device, layout.tokens, layout.positions, layout.predicts, layout.last, layout.asked)
    return Encoded(hidden_in_one_row(body, tokens, positions, attending, again), *places)


def hidden_in_one_row(body: nn.Module, tokens: Tensor, positions: Tensor, attending: Attending, again: Again | None = None) -> Tensor:
    """The last hidden states [T, D] of a row of tokens, by our own code where there is some for this model, else by the model's.

    Raises:
        NotSupported: the model cannot attend so.
    """
    decoder = decoder_of(body) or fused_of(body)
    if decoder is not None:
        return decoder.forward(tokens, positions, attending, again)
    return by_its_own_code(body, tokens, positions, attending, again)


def _in_padded_rows(module: nn.Module, sequences: Sequences, device: torch.device, again: Again | None = None) -> Encoded:
    ids, attention, predicts, last = rows_of(sequences)
    body = body_of(module)
    ids, attention, *places = onto(device, ids, attention, predicts, last, last - sequences.length)
    with going_through(body, again):
        hidden = body(input_ids=ids, attention_mask=attention, use_cache=False).last_hidden_state
    return Encoded(hidden.flatten(0, 1), *places)


def rows_of(sequences: Sequences) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """``input_ids`` and ``attention_mask`` [B, L], right-padded, and the flat indices in B*L of the places that predict the acted steps [S] and of
    the last tokens [B]."""
    starts = torch.tensor([len(c) for c in sequences.contexts])[sequences.context]
    lengths = starts + sequences.length
    ids = pad(
        [torch.cat([sequences.contexts[c], sequences.actions[b, : sequences.length[b]]]) for b, c in enumerate(sequences.context.tolist())],
        torch.long,
    )
    attention = torch.arange(ids.shape[1]) < lengths.unsqueeze(-1)
    b, t = sequences.mask.nonzero(as_tuple=True)
    width = ids.shape[1]
    return ids, attention, b * width + starts[b] + t - 1, torch.arange(len(sequences)) * width + lengths - 1


def at_acted_steps(
    module: nn.Module,
    sequences: Sequences,
    device: torch.device,
    names: Set[str],
    plain_head: bool,
    packed: bool,
    others: Mapping[str, NextSteps] | None = None,
    again: Again | None = None,
) -> dict[str, Tensor]:
    """The named functionals [S] at the S acted steps, in the order of ``mask.nonzero()``; ``hidden`` [S, D] and ``logits`` [S, V], normalised,
    where they are named. ``others`` are the next steps of the views that are compared with, at the same steps.

    The output head is applied to acted steps only, and with a plain head (see ``has_plain_head``) in tiles whose logits are dropped at once
    and computed again in the backward pass: logits of all steps never exist together.
    """
    (taken,) = onto(device, sequences.actions[sequences.mask])
    sequences = as_read(sequences)
    wanted = sorted(name for name in names if Name.parse(name).quantity in FUNCTIONALS)
    if plain_head:
        encoded = encode(module, sequences, device, packed, again)
        hidden = encoded.hidden.index_select(0, encoded.predicts)
        values = functionals(output_head(module), hidden, taken, sequences.temperature, wanted, others)
        logits = output_head(module)(hidden) if "logits" in names else None
    else:
        logits, hidden = _through_the_model(module, sequences, device, again)
        values = of_logits(logits, taken, sequences.temperature, wanted, others)
    out = dict(zip(wanted, values, strict=True))
    if "logits" in names:
        fine = logits.to(torch.promote_types(logits.dtype, torch.float32))
        out["logits"] = (fine / sequences.temperature).log_softmax(-1)
    return out | {"hidden": hidden} if "hidden" in names else out


@torch.no_grad()
def next_steps(module: nn.Module, sequences: Sequences, device: torch.device, plain_head: bool, packed: bool) -> NextSteps:
    """The next-step distributions at the S acted steps, for another model to be compared with: hidden states, and logits where the head is not
    plain."""
    sequences = as_read(sequences)
    if not plain_head:
        return NextSteps(_through_the_model(module, sequences, device)[0], lambda logits: logits)
    encoded = encode(module, sequences, device, packed)
    return NextSteps(encoded.hidden.index_select(0, encoded.predicts), output_head(module))


def _through_the_model(module: nn.Module, sequences: Sequences, device: torch.device, again: Again | None = None) -> tuple[Tensor, Tensor]:
    """Logits [S, V] and hidden states [S, D] by the model's own forward pass, whatever it does to its logits (scaling, soft caps): the rows are
    picked out just before its output head, by a hook."""
    ids, attention, predicts, _ = onto(device, *rows_of(sequences))
    seen: list[Tensor] = []

    def select(_: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        seen.append(args[0].flatten(0, 1).index_select(0, predicts))
        return (seen[0].unsqueeze(0), *args[1:])

    hook = output_head(module).register_forward_pre_hook(select)
    try:
        with going_through(body_of(module), again):
            logits = module(input_ids=ids, attention_mask=attention, use_cache=False).logits[0]
    finally:
        hook.remove()
    return logits, seen[0]


@torch.no_grad()
def has_plain_head(module: nn.Module, device: torch.device) -> bool:
    """Whether the model's logits are its output head applied to its last hidden states and nothing else, tried on a few tokens."""
    head = output_head(module)
    ids = torch.arange(4, device=device).unsqueeze(0) % head.weight.shape[0]
    whole = module(input_ids=ids, use_cache=False).logits
    mine = head(body_of(module)(input_ids=ids, use_cache=False).last_hidden_state)
    return whole.shape == mine.shape and torch.equal(whole, mine)


@torch.no_grad()
def can_pack(module: nn.Module, device: torch.device) -> str:
    """Why the model cannot read sequences from one flat row with shared contexts, tried on a few tokens; empty where it can."""
    tried = few_sequences(body_of(module).get_input_embeddings().weight.shape[0])
    try:
        mine = _in_one_row(module, tried, device)
    except Exception as error:  # whatever a model may do with arguments that it does not expect
        return f"{type(error).__name__}: {error}".strip(": ")
    plain = _in_padded_rows(module, tried, device)
    a, b = (x.hidden[torch.cat([x.predicts, x.last])].double() for x in (mine, plain))
    gap = float((a - b).norm() / b.norm().clamp(min=1e-12))
    bound = 0.05 if mine.hidden.dtype in (torch.bfloat16, torch.float16) else 1e-4
    return "" if gap <= bound else f"its hidden states differ by {gap:.2g} of their norm"


def causal_lm(module: nn.Module) -> nn.Module:
    """The causal LM itself, with its adapters inside if it has any."""
    return module.get_base_model() if hasattr(module, "get_base_model") else module


def body_of(module: nn.Module) -> nn.Module:
    """What turns tokens into hidden states."""
    return causal_lm(module).base_model


def output_head(module: nn.Module) -> nn.Module:
    """The layer that turns hidden states into logits."""
    return causal_lm(module).get_output_embeddings()


def scatter(values: Tensor, mask: Tensor) -> Tensor:
    """Values of the acted steps [S], or [S, K], back in their places [B, T] or [B, T, K], 0 elsewhere: on the CPU, or where they are (``moving``)."""
    values = brought(values)
    if values.device.type == "cpu":
        out = torch.zeros(mask.shape + values.shape[1:], dtype=values.dtype)
        return out.masked_scatter(mask.view(mask.shape + (1,) * (values.dim() - 1)), values)
    (places,) = onto(values.device, mask.flatten().nonzero().squeeze(-1))
    return values.new_zeros(mask.numel(), *values.shape[1:]).index_copy(0, places, values).view(mask.shape + values.shape[1:])
