"""The running language model: a module and a tokenizer, measured and sampled as a policy."""

import contextlib
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers.utils.logging import disable_progress_bar

from guerdon.feedback.writers import Written
from guerdon.memory import AtOnce
from guerdon.models import Finished, Model
from guerdon.models._comparing import compared_with
from guerdon.models.language import attention_maps, writing
from guerdon.models.language.adapters import NOWHERE, Drawn, do_nothing, drops
from guerdon.models.language.asking import log_probabilities
from guerdon.models.language.attention import NotSupported
from guerdon.models.language.checkpointing import Again, layers_of
from guerdon.models.language.compute_copy import ComputeCopy
from guerdon.models.language.decoding import Growing
from guerdon.models.language.forward import at_acted_steps, body_of, can_pack, has_plain_head, next_steps, scatter
from guerdon.models.language.graphed import Graphed, graphed_for
from guerdon.models.language.mixing import MixedPolicy, Within
from guerdon.models.language.recalling import Recall
from guerdon.models.language.sampling import ROWS_AT_ONCE, begin, sample
from guerdon.models.language.saving import merged, write
from guerdon.models.language.tiles import COMPARING, OWN, NextSteps
from guerdon.models.sharding import unshard
from guerdon.quantities import Name
from guerdon.sequences import Decoding, Sequences
from guerdon.tasks.encoding import Encoder

GRAPHS = "cuda"  # devices of this kind play recorded steps


class LanguagePolicy:
    """A causal LM as a policy. Made by a specification's ``build()``.

    ``module`` holds the parameters. With a ``dtype`` shorter than theirs, what is measured and sampled is a copy of it in that format
    (see ``compute_copy``).
    """

    measures = OWN | {"hidden", "logits"} | attention_maps.READ
    compares = COMPARING
    _checkpoints = False
    made = 0  # steps of its learner, who says so: what is dropped of the adapters' inputs is another at each
    _recall: Recall | None = None
    _graphed: tuple[nn.Module, Graphed | None] | None = None

    def __init__(self, module: nn.Module, tokenizer: Any, device: torch.device, dtype: torch.dtype | None = None, seed: int = 0):
        disable_progress_bar()  # of the loading and writing of weights: the run has its own
        self.dtype = dtype
        self.module = module.to(device).eval()  # dropout would make the learner's log-probabilities differ from the sampler's
        self.tokenizer = tokenizer
        self.device = device
        self.seed = seed  # of what is dropped of the adapters' inputs

    @property
    def computing(self) -> nn.Module:
        """The module that computes: the parameters' own, or its copy in a shorter format with the values that they have now."""
        return self.module if self._copy is None else self._copy.module

    @cached_property
    def _copy(self) -> ComputeCopy | None:
        differs = self.dtype is not None and any(p.is_floating_point() and p.dtype != self.dtype for p in self.module.parameters())
        return ComputeCopy(self.module, self.dtype) if differs else None

    def shard(self) -> None:
        """Split what is trained over the processes; what computes is a copy from then on, which ``gather`` brings up to date and ``scatter`` takes the gradient from."""
        self._copy = self._copy or ComputeCopy(self.module)
        self._copy.shard(self.module)

    def gather(self) -> None:
        """Compute with the parameters as they are now, if they are split over processes; all have to."""
        if self._copy is not None:
            self._copy.gather()

    def scatter(self) -> None:
        """Give the parameters that are split over processes their gradient; all have to."""
        if self._copy is not None:
            self._copy.scatter()

    def drop_gradients(self) -> None:
        """Forget what a backward pass that did not come to its end has left beside the parameters."""
        if self._copy is not None:
            self._copy.drop_gradients()

    def unshard(self) -> None:
        """Hold all parameters whole again."""
        unshard(self.module)
        self.__dict__.pop("_copy", None)

    @property
    def context_length(self) -> int:
        """Positions that the model can attend to, prompt and completion together."""
        return int(getattr(self.module.config, "max_position_embeddings", None) or 2**31)

    @cached_property
    def ends(self) -> Tensor:
        """The tokens that end a completion: the tokenizer's, the chat template's and those of the generation configuration."""
        own = getattr(getattr(self.module, "generation_config", None), "eos_token_id", None)
        own = own if isinstance(own, list) else [own]
        return torch.tensor(sorted({t for t in (*own, *Encoder(self.tokenizer).stop_ids) if t is not None}))

    def measure(self, sequences: Sequences, names: Set[str], views: Mapping[str, Model] | None = None) -> dict[str, Tensor]:
        """Quantities of the acted steps, [B, T], [B, T, K] or, of hidden states, [B, T, D], 0 elsewhere; at the temperature at which the sequences were drawn. Those that compare
        (``ref_kl``) do so with the models of ``views``, which are computed first, without gradients."""
        looked_at = {name for name in names if Name.parse(name).quantity in attention_maps.READ}
        if looked_at:
            maps = attention_maps.of_maps(self.computing, sequences, self.device, looked_at)
            return maps | (self.measure(sequences, names - looked_at, views) if names - looked_at else {})
        with_whom = compared_with(names, self.compares, views or {}, lambda model: hasattr(model, "next_steps"))
        others = {view: model.next_steps(sequences) for view, model in with_whom.items()}
        plain_head = self.plain_head  # tried at the first use, before anything is dropped
        with self.going(sequences, self.packed) as (packed, again):
            found = at_acted_steps(self.computing, sequences, self.device, names, plain_head, packed, others, again)
        found = {name: self.leaving(value) for name, value in found.items()}
        return {name: scatter(value, sequences.mask) for name, value in found.items()}

    def likely(self, questions: Sequence[str], words: Sequence[str]) -> list[list[float]]:
        """Of each question the log-probability of each of the words as its answer (see ``asking``)."""
        return log_probabilities(self, questions, words).tolist()

    def write(self, conversations: Sequence[Any], max_tokens: int, temperature: float, seeds: Sequence[int]) -> list[Written]:
        """See ``guerdon.feedback.writers.Writing``."""
        return writing.write(self, conversations, max_tokens, temperature, seeds)

    def choose(self, conversations: Sequence[Any], words: Sequence[str]) -> list[Written]:
        """See ``guerdon.feedback.writers.Writing``."""
        return writing.choose(self, conversations, words)

    @property
    def checkpoints(self) -> bool:
        """Whether layers are computed again in the backward pass (see ``checkpointing``); a learner says so.

        Raises:
            InputError: the model has no layers that can be.
        """
        return self._checkpoints

    @checkpoints.setter
    def checkpoints(self, on: bool) -> None:
        if on:
            layers_of(body_of(self.module))
        self._checkpoints = on

    def leaving(self, x: Tensor) -> Tensor:
        """What was computed, as it is used elsewhere (see ``compute_copy``)."""
        return x if self._copy is None else self._copy.leaving(x)

    def next_steps(self, sequences: Sequences) -> NextSteps:
        """The next-step distributions at the acted steps, for another policy to be compared with."""
        return next_steps(self.computing, sequences, self.device, self.plain_head, self.packed)

    @cached_property
    def plain_head(self) -> bool:
        """Whether log-probabilities may be computed from hidden states in tiles."""
        return has_plain_head(self.computing, self.device)

    @property
    def packed(self) -> bool:
        """Whether sequences are measured in one flat row, shared contexts once."""
        return self.plain_head and not self.unpacked_because

    @cached_property
    def unpacked_because(self) -> str:
        """Why the model takes padded rows only; empty where it does not."""
        return can_pack(self.computing, self.device)

    def sample(
        self, contexts: Sequence[Tensor], context: Tensor, decoding: Decoding, uniforms: Tensor, finished: Finished | None = None
    ) -> Sequences:
        """See ``guerdon.models.Policy``."""
        if self.graphed is not None:
            with contextlib.suppress(NotSupported):
                return self.graphed.sample(contexts, context, decoding, uniforms, self.ends, finished)
        if self._recall is None:
            return sample(self.begin, contexts, context, decoding, uniforms, self.ends, self.device, finished, self._rows_at_once)
        begin_from = partial(begin, self.computing, device=self.device, packed=self.packed, recall=self._recall)
        return sample(begin_from, contexts, context, decoding, uniforms, self.ends, self.device, finished, self._rows_at_once, _learned)

    @contextlib.contextmanager
    def remembering(self) -> Iterator[None]:
        """See ``guerdon.models.Remembering``. On a card, and for models that our own code does not know, contexts are read anew."""
        before, self._recall = self._recall, Recall()
        try:
            yield
        finally:
            self._recall = before

    @cached_property
    def _rows_at_once(self) -> AtOnce:
        return AtOnce(ROWS_AT_ONCE)

    def token_text(self, tokens: Sequence[int]) -> list[str]:
        """The text of each token by itself."""
        return [self.tokenizer.decode([token], clean_up_tokenization_spaces=False) for token in tokens]

    @property
    def graphed(self) -> Graphed | None:
        """How a card draws from the model as it computes now (see ``graphed``); None where that is not to be: on a CPU, and for models that our own code does not know."""
        if self.device.type != GRAPHS or not self.packed:
            return None
        module = self.computing
        if self._graphed is None or self._graphed[0] is not module:
            self._graphed = module, graphed_for(module, self.device)
        found = self._graphed[1]
        return None if found is None or found.recorder.failed else found

    def begin(self, contexts: Sequence[Tensor], context: Tensor, steps: int) -> tuple[Growing, Tensor]:
        """Sequences that are about to grow, and the logits of their first step; see ``sampling.Begin``."""
        return begin(self.computing, contexts, context, steps, self.device, self.packed)

    def mixed(self, other: "LanguagePolicy", weight: float) -> "MixedPolicy":
        """See ``guerdon.models.Mixable``."""
        return MixedPolicy(self, other, weight)

    @property
    def adapted(self) -> bool:
        """Whether the model carries adapters."""
        return hasattr(self.module, "disable_adapter")

    @property
    def alone(self) -> bool:
        """Whether adapters that are saved without what they stand on would find it."""
        return self.adapted and not getattr(self.module, NOWHERE, False)

    @cached_property
    def drops(self) -> bool:
        """Whether inputs of adapters are dropped while a gradient is computed."""
        return drops(self.module)

    @contextlib.contextmanager
    def going(self, sequences: Sequences, packed: bool) -> Iterator[tuple[bool, Again | None]]:
        """While a gradient is computed of these sequences, part of the adapters' inputs is dropped and layers are computed again in the backward pass, if that was
        asked for. Yields whether they go the ``packed`` way all the same (where something is dropped they take the plain one), and how layers are gone through."""
        again = Again() if self.checkpoints and torch.is_grad_enabled() else None
        if not (self.drops and torch.is_grad_enabled()):
            yield packed, again
            return
        drawn = Drawn(self.computing, self.seed, self.made, sequences)
        with drawn():
            yield False, again and again.also(drawn)

    def reference(self) -> "LanguagePolicy":
        """The policy as it is now, frozen: by switching the adapters off where they do nothing yet, else by a copy."""
        if self.adapted and do_nothing(self.module):
            return AdaptersOff(self)
        frozen = copy.deepcopy(self.module).requires_grad_(False)
        return LanguagePolicy(frozen, self.tokenizer, self.device, self.dtype)

    def settle(self) -> None:
        """Nothing will move a frozen policy again: keep its parameters in the format that is computed in, and no longer in a finer one besides."""
        if self.dtype is not None and not any(p.requires_grad for p in self.module.parameters()):
            for parameter in self.module.parameters():
                if parameter.is_floating_point():
                    parameter.data = parameter.data.to(self.dtype)
            self.__dict__.pop("_copy", None)

    def save(self, folder: Path, merge: bool = True) -> None:
        """A ``transformers`` folder that loads anywhere, and ends where this policy does; where there are adapters that are not merged and whose base is
        found elsewhere, a ``peft`` folder. Merged adapters are rounded to the format of the weights that they are merged into."""
        whole = self.adapted and (merge or not self.alone)
        write(merged(copy.deepcopy(self.module)) if whole else self.module, self.tokenizer, self.ends, folder)


class AdaptersOff(LanguagePolicy):
    """The same module with its adapters switched off while it is measured or sampled."""

    def __init__(self, policy: LanguagePolicy):
        self.policy, self.module, self.tokenizer = policy, policy.module, policy.tokenizer
        self.device, self.dtype, self.seed = policy.device, policy.dtype, policy.seed

    def measure(self, sequences: Sequences, names: Set[str], views: Mapping[str, Model] | None = None) -> dict[str, Tensor]:
        with self.policy.computing.disable_adapter():
            return self.policy.measure(sequences, names, views)

    def next_steps(self, sequences: Sequences) -> NextSteps:
        with self.policy.computing.disable_adapter():
            found = self.policy.next_steps(sequences)
        return found if type(found.read) is nn.Linear else replace(found, read=self._off(found.read))

    def _off(self, read: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        """A head that has adapters itself is read later, tile by tile, when they are on again."""

        def off(states: Tensor) -> Tensor:
            with self.policy.computing.disable_adapter():
                return read(states)

        return off

    def begin(self, contexts: Sequence[Tensor], context: Tensor, steps: int) -> tuple[Growing, Tensor]:
        with self.policy.computing.disable_adapter():
            growing, logits = self.policy.begin(contexts, context, steps)
        return Within(growing, self.policy.computing.disable_adapter), logits

    def sample(
        self, contexts: Sequence[Tensor], context: Tensor, decoding: Decoding, uniforms: Tensor, finished: Finished | None = None
    ) -> Sequences:
        with self.policy.computing.disable_adapter():
            return super().sample(contexts, context, decoding, uniforms, finished)

    @property
    def computing(self) -> nn.Module:
        return self.policy.computing

    @property
    def packed(self) -> bool:
        return self.policy.packed

    def reference(self) -> "LanguagePolicy":
        return self


def device_of(name: str) -> torch.device:
    """The device called ``name``; ``auto`` takes a GPU of NVIDIA or AMD where there is one. Apple's (``mps``) is taken where it is asked for: it goes the plain ways.

    Raises:
        InputError: a GPU was asked for that is not there.
    """
    from guerdon.errors import InputError

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with contextlib.suppress(RuntimeError):
        device = torch.device(name)
        if device.type == "cpu" or (device.type == "cuda" and (device.index or 0) < torch.cuda.device_count()):
            return device
        if device.type == "mps" and torch.backends.mps.is_available():
            return device
    apples = ["mps"] if torch.backends.mps.is_available() else []
    found = ["cpu", *apples, *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    raise InputError(
        f"model.device: {name!r} is not on this machine, which has {', '.join(found)}; write device: auto to take what is there"
    )


def _learned(growing: Growing, tokens: Tensor, length: Tensor) -> None:
    """Have what was drawn recalled, where who grew it can."""
    if hasattr(growing, "learn"):
        growing.learn(tokens, length)
