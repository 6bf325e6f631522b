"""vLLM: vLLM's engine draws, in this process and on its card, by the policy's own weights as they are now.

Before it draws, the weights that have moved are written into the engine's own, in place: without a folder, adapters merged. After each delivery it is looked
whether they are there: every parameter was written into, all numbers add up to what was sent, and a few fixed tokens have the log-probabilities that the
policy gives them. Weights that did not arrive end the run. While the learner learns, the engine sleeps, and its room on the card is the learner's.

    old_logp = log_softmax of what a token was drawn from (``logprobs_mode="processed_logprobs"``: tempered and truncated)

Not run against the real vLLM here: its interface was read in 0.20.2, 0.27.1 and 0.33.0, and the tests draw from a stand-in of it that takes those arguments
and no others.

Source: ``LLM``, ``SamplingParams``, sleep mode and ``logprobs_mode`` of vLLM, https://docs.vllm.ai; ``load_weights`` of its models, called through
``LLM.apply_model``.
Differs from Server: the same weights, the same process, no requests. Differs from the policy's own sampler: the random numbers are vLLM's, seeded for each row by
the first of its own ``uniforms``; whether a row depends on its neighbours is up to its kernels (``VLLM_BATCH_INVARIANT=1`` asks for those that do not let it). At
temperature 0 there are none.
Invalid: for ``AdaptersOff``, as ``generate``; in a run on several processes; where vLLM quantises, and on builds for a CPU, whose engine keeps other weights
than it is sent.
What is open: sleep is of level 2, which forgets the weights: they are sent at waking anyhow, from the same card, which is less to move than level 1's there and back to
the host's memory.
Default: ``gpu_memory_utilization`` 0.3: TRL's for an engine beside the learner; ``tolerance`` 0.2 nats: ours, for bfloat16, where logits of 16 to 32 are 0.125 apart.
"""

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace as Told
from typing import Any

import torch
from torch import Tensor, nn

from guerdon.acting.engines._in_process import InProcess, library, one_process, read
from guerdon.acting.engines.generate import Generate
from guerdon.errors import InputError
from guerdon.models.language._constant import Constant
from guerdon.processes import here
from guerdon.sequences import Decoding, Sequences
from guerdon.witness import Witness

COLDEST = 0.01  # vLLM draws at this temperature where one between 0 and it is asked for


@dataclass(frozen=True)
class VLLM:
    """An engine in this process, and how it is built.

    Attributes:
        gpu_memory_utilization: the share of the card's memory that is the engine's while it is awake.
        sleep: whether it leaves the card to the learner between draws.
        tolerance: by how many nats the log-probabilities of a few tokens may differ from the policy's own, on average, after a delivery of weights.
        extra: more arguments of ``vllm.LLM``, or other values of those that are given.
    """

    gpu_memory_utilization: float = 0.3
    sleep: bool = True
    tolerance: float = 0.2
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not 0 < self.gpu_memory_utilization <= 1 or self.tolerance <= 0:
            raise InputError("the engine vllm: gpu_memory_utilization is above 0 and at most 1, and tolerance above 0")

    def look(self) -> None:
        """See whether vLLM can be used here: before anything is loaded that takes long.

        Raises:
            InputError: it cannot.
        """
        _alone()
        library()

    def __call__(self, policy: Any, contexts: Sequence[Tensor], context: Tensor, decoding: Decoding, uniforms: Tensor) -> Sequences:
        if getattr(policy, "ends", None) is None or not hasattr(getattr(policy, "computing", None), "generate"):
            raise InputError(f"the engine vllm acts for language models; leave it out, a {type(policy).__name__} samples by itself")
        if 0 < decoding.temperature < COLDEST:
            raise InputError(
                f"the engine vllm draws at temperature 0 or from {COLDEST} on, not at {decoding.temperature}; set decoding.temperature to one of them"
            )
        _alone()
        ends = set(policy.ends.tolist())
        prompts = [contexts[i].tolist() for i in context.tolist()]
        answers = [read(answer, ends) for answer in _engine_of(self, policy).draw(self.parameters(), policy, prompts, decoding, uniforms)]
        length = torch.tensor([len(tokens) for tokens, _, _ in answers])
        actions, logp = torch.zeros(len(answers), int(length.max()), dtype=torch.long), torch.zeros(len(answers), int(length.max()))
        for row, (tokens, told, _) in enumerate(answers):
            actions[row, : len(tokens)], logp[row, : len(tokens)] = torch.tensor(tokens), torch.tensor(told)
        found = {"old_logp": logp, "terminated": torch.tensor([ended for _, _, ended in answers])}
        mask = torch.arange(actions.shape[1]) < length.unsqueeze(-1)
        return Sequences(list(contexts), context, actions, mask, length, found, temperature=decoding.temperature or 1.0)

    def start(self, folder: str, settings: Mapping[str, Any]) -> Any:
        """An engine of the model whose configuration lies in the folder.

        Raises:
            InputError: vLLM does not build one.
        """
        try:
            with one_process():
                return library().LLM(model=folder, **settings)
        except InputError:
            raise
        except Exception as error:
            said = " ".join(str(error).split())[:300]
            raise InputError(
                f"vLLM does not start: {type(error).__name__}: {said}; its settings are recipe.sampler.engine's, and under extra"
            ) from error

    def parameters(self) -> Any:
        """What says how a completion is drawn."""
        return library().SamplingParams


def _alone() -> None:
    if here().several:
        raise InputError(
            "the engine vllm draws in a run on one process, and this one is on several; start it on one, or let a server draw (engine: {part: server, url: ...})"
        )


_engines: "weakref.WeakKeyDictionary[Any, dict[str, InProcess]]" = weakref.WeakKeyDictionary()


def _engine_of(part: VLLM, policy: Any) -> InProcess:
    """A part is a value and keeps nothing; an engine lives as long as the policy that it draws for."""
    own = _engines.setdefault(policy, {})
    if repr(part) not in own:
        settings = {"gpu_memory_utilization": part.gpu_memory_utilization, **part.extra}
        own[repr(part)] = InProcess(part.start, policy, settings, part.sleep, part.tolerance)
    return own[repr(part)]


class _CannedEngine:
    """vLLM's engine with a model that is what it was sent, and two answers."""

    def __init__(self) -> None:
        self.model = nn.Module()
        self.model.load_weights = self.load_weights

    def load_weights(self, weights: Any) -> set[str]:
        for name, value in weights:
            self.model.register_parameter(name.replace(".", "-"), nn.Parameter(value))
        return {name for name, _ in self.model.named_parameters()}

    def apply_model(self, func: Any) -> list[Any]:
        return [func(self.model)]

    def wake_up(self, tags: list[str] | None = None) -> None: ...

    def sleep(self, level: int = 1) -> None: ...

    def reset_prefix_cache(self) -> bool:
        return True

    def generate(self, prompts: Any, sampling_params: Any, use_tqdm: bool = True) -> list[Any]:
        if "prompt_logprobs" in sampling_params[0]:
            known = torch.tensor([0.25, 0.5, 0.25]).log().tolist()
            return [_canned([0], [known[0]], "stop", [None, *({t: Told(logprob=known[t])} for t in prompts[0]["prompt_token_ids"][1:])])]
        return [_canned([2, 0], [-1.5, -0.25], "stop"), _canned([1], [-0.5], "length")][: len(prompts)]


def _canned(tokens: list[int], logp: list[float], reason: str, prompt: Any = None) -> Any:
    told = [{token: Told(logprob=x)} for token, x in zip(tokens, logp, strict=True)]
    return Told(outputs=[Told(token_ids=tokens, logprobs=told, finish_reason=reason)], prompt_logprobs=prompt)


@dataclass(frozen=True)
class _Canned(VLLM):
    """vLLM without vLLM."""

    def start(self, folder: str, settings: Mapping[str, Any]) -> Any:
        return _CannedEngine()

    def parameters(self) -> Any:
        return dict


witness = Witness(  # the answers in their order, with the engine's log-probabilities
    _Canned(),
    parent=Generate(),
    given={
        "policy": Constant(),
        "contexts": [torch.tensor([2, 1])],
        "context": torch.tensor([0, 0]),
        "decoding": Decoding(max_completion_length=2),
        "uniforms": torch.zeros(2, 2),
    },
    returns={"actions": [[2, 0], [1, 0]], "length": [2, 1], "terminated": [True, False], "old_logp": [[-1.5, -0.25], [-0.5, 0.0]]},
)
