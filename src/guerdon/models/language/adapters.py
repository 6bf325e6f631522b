"""Adapters while they are trained: whether they do anything yet, and what is dropped of their inputs.

    W x + s B A drop(x)        drop: each number is 0 with probability p, and else divided by 1 - p

Models are never in training mode here, for a dropped input would make the learner disagree with the sampler about what was sampled. Dropping in the
adapters is done in the pass of which a gradient is computed, and only there. What is dropped of a sequence depends on the run's seed, on how many steps the model has
made, and on the sequence's own tokens: not on what it is computed together with, so that neither micro-batches nor processes matter, and no generator is saved: a run
that is resumed drops what it would have dropped.

    z = h[token] ^ c[feature] ^ k[layer]        h drawn for the sequence, c and k for the step; 32 bits each
    dropped where mix(z) < p 2^32               mix: two multiplications and a shift between them, so that neighbours have nothing to do with each other

Source: the dropout of ``peft``'s LoRA layers; the mixing of multiplications and shifts: the finaliser of MurmurHash3 (A. Appleby), shortened. That it is drawn by
sequence: ours.
"""

import contextlib
import hashlib
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.randomness import generator
from guerdon.sequences import Sequences, pad

NOWHERE = "guerdon_base_lies_nowhere"  # set on a module whose adapters stand on weights that are in no folder
_ZERO_AT_FIRST = ("lora_B", "lora_embedding_A")  # the factor of the product that starts as 0, in linear layers and in embeddings


def do_nothing(module: nn.Module) -> bool:
    """Whether the module with its adapters is still the module without them."""
    parameters = dict(module.named_parameters())
    for name, parameter in parameters.items():
        if any(f".{word}." in name for word in _ZERO_AT_FIRST) and parameter.any():
            return False
        before, own, after = name.partition(".modules_to_save.")
        if own and not torch.equal(parameter, parameters[f"{before}.original_module.{after.partition('.')[2]}"]):
            return False
    return True


def in_float32(module: nn.Module) -> nn.Module:
    """The module with what is trained in float32: ``peft`` sees to that for adapters, and not for layers that are trained whole."""
    for parameter in module.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return module


def drops(module: nn.Module) -> bool:
    """Whether inputs of adapters are dropped while a gradient is computed."""
    return any(True for _ in _dropouts(module))


class Drawn:
    """What the adapters of a module drop of these sequences, which stand in rows, padded at the end."""

    def __init__(self, module: nn.Module, seed: int, step: int, sequences: Sequences):
        self.module = module
        layers = list(_dropouts(module))
        widest = max(layer.in_features for layer in layers)
        own = _bits(widest + len(layers), seed, "adapters", step)
        self.features, self.layers = own[:widest].to(next(module.parameters()).device), own[widest:].tolist()
        contexts = [_tokens(context) for context in sequences.contexts]
        rows = [
            _bits(len(sequences.contexts[c]) + n, seed, step, contexts[c] + "/" + _tokens(actions[:n]))
            for c, n, actions in zip(sequences.context.tolist(), sequences.length.tolist(), sequences.actions, strict=True)
        ]
        self.tokens = pad(rows, torch.int32).to(self.features.device)

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        """Within, they are dropped."""
        layers = list(_dropouts(self.module))
        try:
            for number, layer in enumerate(layers):
                layer.train()
                for dropout in layer.lora_dropout.values():
                    dropout.forward = partial(self._drop, self.layers[number], getattr(dropout, "p", 0.0))
            yield
        finally:
            for layer in layers:
                layer.eval()
                for dropout in layer.lora_dropout.values():
                    dropout.__dict__.pop("forward", None)  # the class's own is beneath

    def _drop(self, layer: int, share: float, x: Tensor) -> Tensor:
        """``x`` [..., D] of all places of the rows, with what is dropped as 0.

        Raises:
            InputError: the layer sees something else.
        """
        if not share:
            return x
        rows, width = self.tokens.shape
        if x.numel() != rows * width * x.shape[-1]:
            raise InputError(
                f"model.lora.lora_dropout: a layer with adapters is given {list(x.shape)} for {rows} sequences of {width} places, so that it cannot be told what is whose; "
                "leave such layers out of target_modules, or set lora_dropout to 0"
            )
        z = (self.tokens ^ layer).unsqueeze(-1) ^ self.features[: x.shape[-1]]
        keep = _mixed(z) >= round(share * 2**32) - 2**31
        return x * keep.view(x.shape).to(x.dtype) / (1 - share)  # in this order: 1 / (1 - share) may be no number of a short format


def _mixed(z: Tensor) -> Tensor:
    """Every number of 32 bits as another, in place."""
    z.mul_(-1640531535)
    z.bitwise_xor_((z >> 15).bitwise_and_(0x1FFFF))
    return z.mul_(-2048144789)


def _bits(count: int, *purpose: int | str) -> Tensor:
    """So many numbers of 32 bits, drawn for the purpose."""
    return torch.randint(-(2**31), 2**31, (count,), dtype=torch.int32, generator=generator(*purpose))


def _tokens(tokens: Tensor) -> str:
    return hashlib.blake2b(tokens.numpy().tobytes(), digest_size=8).hexdigest()


def _dropouts(module: nn.Module) -> Iterator[nn.Module]:
    """The layers with adapters that are trained and drop inputs; those of embeddings have none to drop."""
    for layer in module.modules():
        dropouts = getattr(layer, "lora_dropout", None)
        drops_some = isinstance(dropouts, nn.ModuleDict) and any(getattr(d, "p", 0.0) for d in dropouts.values())
        if drops_some and layer.lora_A and any(p.requires_grad for p in layer.parameters()):
            yield layer
