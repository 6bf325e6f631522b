"""vLLM while it draws for a policy: built, woken, given weights that are looked at when they are there, asked, put to sleep."""

import contextlib
import copy
import math
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from guerdon.acting.engines import seed_of
from guerdon.errors import InputError, RunFailed
from guerdon.models.language.handing_over import Sums, alike, alone, named, sums
from guerdon.sequences import Decoding, Sequences

OLDEST = (0, 20)  # the first that goes with transformers 5
LOOKED_AT = 16  # tokens whose log-probabilities are compared after a delivery


def library() -> Any:
    """The package, imported.

    Raises:
        InputError: it is not there, cannot be used here, or is older than what was read of its interface.
    """
    # what it tells its makers, and the terminal besides errors, is for its user to ask for
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    try:
        import vllm

        vllm.LLM, vllm.SamplingParams  # noqa: B018  imported when they are asked for
    except ModuleNotFoundError as error:
        if error.name == "vllm":
            raise InputError("the engine vllm needs vLLM, which is not installed: pip install 'guerdon[vllm]'") from None
        raise InputError(f"the engine vllm needs vLLM, which cannot be imported here: {_line(error)}") from error
    except Exception as error:  # one that was built for another torch, or another driver
        raise InputError(f"the engine vllm needs vLLM, which cannot be imported here: {_line(error)}") from error
    version = str(getattr(vllm, "__version__", ""))
    numbers = tuple(int(part) if part.isdecimal() else 0 for part in version.split(".")[:2])
    if numbers < OLDEST:
        raise InputError(
            f"the engine vllm needs vLLM {'.'.join(map(str, OLDEST))} or newer, and {version or 'an unknown one'} is installed"
        )
    return vllm


class InProcess:
    """One engine of vLLM, for one policy: of what it holds nothing is the policy, with which it goes."""

    def __init__(
        self, start: Callable[[str, Mapping[str, Any]], Any], policy: Any, settings: Mapping[str, Any], sleeps: bool, tolerance: float
    ):
        self.sleeps, self.tolerance = sleeps, tolerance
        self.folder = tempfile.TemporaryDirectory(prefix="guerdon-vllm-")
        model = alone(policy)
        self.dtype = next(model.parameters()).dtype
        config = copy.deepcopy(model.config)
        config.architectures = [type(model).__name__]  # a model that was not loaded from a folder does not name it
        config.save_pretrained(self.folder.name)  # of the weights none: they are sent
        length = int(settings.get("max_model_len") or getattr(policy, "context_length", 2**31))
        self.looked_at = min(LOOKED_AT, length - 1)
        own = {
            "skip_tokenizer_init": True,
            "load_format": "dummy",
            "generation_config": "vllm",  # what ends a completion and how it is drawn is said with each request
            "logprobs_mode": "processed_logprobs",
            "dtype": str(self.dtype).removeprefix("torch."),
            "enable_sleep_mode": sleeps,
            **({"max_model_len": length} if length < 2**31 else {}),
        }
        self.llm = start(self.folder.name, {**own, **settings})
        self.awake, self.versions = True, None
        self.compares = True  # whether the sums of what it holds are those of what it was sent
        self.delivered = 0

    def draw(
        self, parameters: Callable[..., Any], policy: Any, prompts: Sequence[Sequence[int]], decoding: Decoding, uniforms: Tensor
    ) -> list[Any]:
        """One completion of each prompt, by weights that are the policy's."""
        ends = policy.ends.tolist()
        asked = {
            "n": 1,
            "temperature": decoding.temperature,
            "top_k": decoding.top_k,
            "top_p": decoding.top_p,
            "min_p": decoding.min_p,
            "max_tokens": decoding.max_completion_length,
            "stop_token_ids": ends,
            "ignore_eos": True,  # the policy says what ends
            "logprobs": 0,  # of the token that was drawn
            "detokenize": False,
        }
        self._prepare(parameters, policy)
        drawn = self._generate(parameters, prompts, [{**asked, "seed": seed_of(row)} for row in uniforms])
        self._rest()
        return drawn

    def _prepare(self, parameters: Callable[..., Any], policy: Any) -> None:
        versions = [p._version for p in policy.module.parameters()]
        kept = self.awake
        if not self.awake:
            if policy.device.type == "cuda":
                torch.cuda.empty_cache()  # what the learner is done with
            self.awake = True
            self.llm.wake_up(tags=["weights"])
        if kept and versions == self.versions:
            return
        self.versions = None
        model = alone(policy)
        weights = named(model)
        del model
        gaps, found = self._hand_over(weights)
        sent = sums(value.to(self.dtype) for value in weights.values())
        del weights
        if not kept:
            self.llm.wake_up(tags=["kv_cache"])
        self.llm.reset_prefix_cache()  # keys and values of earlier weights
        self._look(parameters, policy, gaps, sent, found)
        self.versions, self.delivered = versions, self.delivered + 1

    def _hand_over(self, weights: Mapping[str, Tensor]) -> tuple[list[str], Sums]:
        """Write the weights into the engine's own, in place.

        Returns:
            the names of its parameters in which a number was not written, and the sums of what it holds then.
        """

        def take(model: nn.Module) -> tuple[list[str], Sums]:
            gaps = []
            with torch.no_grad():
                for value in model.parameters():
                    value.data.fill_(math.nan)  # what still is one afterwards was not written
                model.load_weights(iter(weights.items()))
                for name, value in model.named_parameters():
                    left = value.isnan()
                    if left.any():
                        gaps.append(name)
                        value.data.masked_fill_(left, 0.0)
            return gaps, sums(model.parameters())

        try:
            (answer,) = self.llm.apply_model(take)
        except (InputError, RunFailed):
            raise
        except Exception as error:
            raise RunFailed(f"vLLM did not take the policy's weights: {_line(error)}") from error
        return answer

    def _look(self, parameters: Callable[..., Any], policy: Any, gaps: Sequence[str], sent: Sums, found: Sums) -> None:
        """See that the weights have arrived: that all were written, that they add up to what was sent, and that they compute what the policy computes.

        Raises:
            RunFailed: they have not.
        """
        lost = "the weights that were sent to vLLM have not arrived: "
        same = alike(sent, found)
        if gaps and not same:  # where they are, what was not written is what the engine pads with
            raise RunFailed(
                f"{lost}it wrote nothing, or a part only, into {', '.join(gaps[:3])}{f' and {len(gaps) - 3} more' if len(gaps) > 3 else ''}"
            )
        if self.delivered and self.compares and not same:
            raise RunFailed(f"{lost}all numbers add up to {found[0]:.9g} there and to {sent[0]:.9g} here")
        tokens = torch.linspace(0, policy.computing.config.get_text_config().vocab_size - 1, self.looked_at).long()
        (answer,) = self._generate(
            parameters, [tokens.tolist()], [{"max_tokens": 1, "temperature": 0.0, "prompt_logprobs": 0, "detokenize": False}]
        )
        theirs = [_told(told, token) for told, token in zip(answer.prompt_logprobs[1:], tokens[1:].tolist(), strict=True)]
        ours = _own(policy, tokens)
        gap = float((torch.tensor(theirs, dtype=torch.float64) - ours).abs().mean())
        if not gap <= self.tolerance:
            raise RunFailed(
                f"{lost}the log-probabilities of {self.looked_at - 1} tokens differ from the policy's own by {gap:.3g} nats on average, and tolerance "
                f"allows {self.tolerance:g}"
            )
        if not self.delivered and not same:
            self.compares = False
            warnings.warn(
                "vLLM keeps the weights of this model in another form than they are sent in, so that whether they arrive is seen by a few log-probabilities only",
                stacklevel=3,
            )

    def _generate(self, parameters: Callable[..., Any], prompts: Sequence[Sequence[int]], asked: Sequence[Mapping[str, Any]]) -> list[Any]:
        try:
            how = [parameters(**each) for each in asked]
            answers = self.llm.generate([{"prompt_token_ids": list(ids)} for ids in prompts], how, use_tqdm=False)
        except (ValueError, TypeError) as error:  # what it refuses: a prompt that is too long, a setting that it does not know
            raise InputError(f"vLLM refuses what it is asked: {_line(error)}") from error
        if len(answers) != len(prompts):
            raise RunFailed(f"vLLM was asked for {len(prompts)} completions and gave {len(answers)}")
        return answers

    def _rest(self) -> None:
        """Leave the card to the learner. The weights are thrown away: whoever wakes it sends them."""
        if self.sleeps and self.awake:
            self.llm.sleep(level=2)
            self.awake = False


def read(answer: Any, ends: set[int]) -> tuple[list[int], list[float], bool]:
    """Tokens of a completion, the log-probabilities of the distribution that each was drawn from, and whether it ended by itself.

    Raises:
        RunFailed: it broke off, or a log-probability is missing or none.
    """
    (completion,) = answer.outputs
    tokens = list(completion.token_ids)
    if completion.finish_reason not in ("stop", "length") or not tokens:
        raise RunFailed(f"vLLM broke off a completion after {len(tokens)} tokens: {completion.finish_reason}")
    logp = [_told(told, token) for told, token in zip(completion.logprobs or (), tokens, strict=False)]
    if len(logp) != len(tokens) or not all(map(math.isfinite, logp)):
        raise RunFailed(
            "vLLM tells no log-probability of some tokens that it drew, so nothing could say how likely the policy was to act as it did"
        )
    return tokens, logp, tokens[-1] in ends


@contextlib.contextmanager
def one_process() -> Iterator[None]:
    """While an engine is built here, it is built in this process: others could not be handed weights without copies."""
    name = "VLLM_ENABLE_V1_MULTIPROCESSING"
    before = os.environ.get(name)
    os.environ[name] = "0"
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):  # it seeds the generators of all
            yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _own(policy: Any, tokens: Tensor) -> Tensor:
    """The policy's log-probabilities of each token but the first, after those before it."""
    steps = len(tokens) - 1
    mask = torch.ones(1, steps, dtype=torch.bool)
    sequence = Sequences([tokens[:1]], torch.zeros(1, dtype=torch.long), tokens[1:].unsqueeze(0), mask, torch.tensor([steps]))
    with torch.no_grad():
        return policy.measure(sequence, {"logp"})["logp"][0].double().cpu()


def _told(told: Mapping[int, Any] | None, token: int) -> float:
    return float(told[token].logprob) if told and token in told else math.nan


def _line(error: BaseException) -> str:
    """What an error says, in one line, told shortly."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words[:300]}" if words else type(error).__name__
