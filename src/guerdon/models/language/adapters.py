"""Adapters while they are trained: whether they do anything yet, and what is dropped of their inputs.

    W x + s B A drop(x)        drop: each number is 0 with probability p, and else divided by 1 - p

Models are never in training mode here, for a dropped input would make the learner disagree with the sampler about what was sampled. Dropping in the
adapters is done in the pass of which a gradient is computed, and only there. What is dropped is drawn from the run's seed, the tokens and the trained weights: no
state is kept, and a run that is resumed drops what it would have dropped.

Source: the dropout of ``peft``'s LoRA layers; that it is drawn from what is computed: ours.
"""

import contextlib
import hashlib
from collections.abc import Iterator

import torch
from torch import nn

from guerdon.randomness import derive
from guerdon.sequences import Sequences

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


@contextlib.contextmanager
def dropping(module: nn.Module, seed: int, sequences: Sequences) -> Iterator[None]:
    """Within, the adapters of ``module`` drop inputs, drawn for these sequences."""
    devices = [p.device for p in module.parameters() if p.device.type == "cuda"][:1]
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(derive(seed, _digest(module, sequences)))  # dropout draws from the global generator
        with as_drawn(module):
            yield


@contextlib.contextmanager
def as_drawn(module: nn.Module) -> Iterator[None]:
    """Within, the adapters of ``module`` drop inputs, by the global generator as it stands."""
    layers = list(_dropouts(module))
    try:
        for layer in layers:
            layer.train()
        yield
    finally:
        for layer in layers:
            layer.eval()


def _dropouts(module: nn.Module) -> Iterator[nn.Module]:
    """The layers with adapters that are trained and drop inputs."""
    for layer in module.modules():
        dropouts = getattr(layer, "lora_dropout", None)
        drops_some = isinstance(dropouts, nn.ModuleDict) and any(getattr(d, "p", 0.0) for d in dropouts.values())
        if drops_some and any(p.requires_grad for p in layer.parameters()):
            yield layer


def _digest(module: nn.Module, sequences: Sequences) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for tokens in (*sequences.contexts, sequences.context, sequences.actions):
        digest.update(tokens.numpy().tobytes() + b"|")
    sums = [p.detach().double().sum() for p in module.parameters() if p.requires_grad]
    digest.update(torch.stack(sums).cpu().numpy().tobytes())
    return digest.hexdigest()
