"""Own success: the policy itself as a teacher, told what has just worked: another answer of the same group that succeeded, or what somebody says of the answer.

    what q(step | prompt with a success of the group, or with feedback, steps so far) says of the policy's own steps

    asked instead = ``template`` with {prompt}, {success} and {feedback}        either is empty where there is none

``success`` is how a success is told ({answer}: its text); it is the group's first whose reward reaches ``threshold``, and none is told itself unless ``itself``. ``feedback`` is
how {feedback} is told, which ``by(prompts, completions, **columns) -> [text or None]`` writes (a function, or ``file.py:function``). Of a conversation the templates fill the last
message. Recorded is

    told [B]        1 where the teacher was told anything; elsewhere it is asked the plain prompt, and ``{part: where, choice: told, then: ...}`` leaves the answer out

A prompt that would not fit with what is told is asked plainly, and counted (``teacher_told/too_long``). ``policy``: "start" is the policy as the run begins, frozen, or an average
that follows it (``updates: [{part: moving_average, into: teacher, decay: 0.95}]``); "now" the policy as it is.

Source: SDPO, arXiv 2601.20802; which answer is told what is that of TRL 1.16's ``SuccessfulRolloutTeacherContextBuilder``, of which ``itself`` is
``dont_reprompt_on_self_success`` turned round. The words of the templates are ours.
Differs from InContext: what is told is not in the rows; the policy has found it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from guerdon.errors import InputError
from guerdon.feedback.remarking import Writer, columns_of, remarks
from guerdon.feedback.text import whole_text
from guerdon.models import Model
from guerdon.models.prompted import Prompted
from guerdon.sequences import Sequences
from guerdon.tasks.encoding import TooLong
from guerdon.tasks.filling import asked, filled, reworded
from guerdon.tasks.messages import template_variables
from guerdon.thresholds import reaches

Shown = Sequence[tuple[Any, Any]]  # prompts and completions as rewards are shown them


@dataclass(frozen=True)
class OwnSuccess:
    template: str = "{prompt}{success}{feedback}\n\nAnswer the question above."
    success: str = "\n\nThis is a right answer to it:\n\n{answer}"
    feedback: str = "\n\nThis was said of an earlier answer to it:\n\n{feedback}"
    threshold: float = 1.0
    itself: bool = False
    by: Writer | str | None = None
    policy: Literal["start", "now"] = "start"

    def bind(self, name: str, policy: Model, encoder: Any, rows: Iterable[Mapping[str, Any]], build: Callable[[Any], Model]) -> Model:
        """The policy behind what it is told of each answer.

        Raises:
            InputError: the policy reads no text, or the template does not say what a success is to stand in.
        """
        if encoder is None:
            raise InputError(
                f"views.{name}: a {type(policy).__name__} reads no text, so there is nothing that it could be told; give a model"
            )
        for text, fields in ((self.template, ("{prompt}", "{success}")), (self.success, ("{answer}",)), (self.feedback, ("{feedback}",))):
            if lacking := [field for field in fields if field not in text]:
                raise InputError(
                    f"views.{name}: a template lacks {lacking[0]}, without which nothing would be told by it; write it into {text!r}"
                )
        return Successes(policy if self.policy == "now" else policy.reference(), self, name, encoder)

    def told(self, reward: Tensor, group: Tensor) -> list[int | None]:
        """For each answer, which one is told: the group's first success."""
        right = reaches(reward, self.threshold).tolist()
        members: dict[int, list[int]] = {}
        for place, own in enumerate(group.tolist()):
            members.setdefault(own, []).append(place)
        return [
            next((other for other in members[own] if right[other] and (self.itself or other != place)), None)
            for place, own in enumerate(group.tolist())
        ]

    def remarks(self, prompts: list[Any], completions: list[Any], rows: Sequence[Mapping[str, Any]]) -> list[str | None]:
        """What is said of each answer."""
        if self.by is None or not prompts:
            return [None] * len(prompts)
        return remarks(self.by, "views: by", prompts, completions, columns_of(rows))

    def asked(self, prompt: Any, success: str | None, remark: str | None) -> Any:
        """The prompt that stands in the place of the row's."""
        told = {
            "prompt": asked(prompt),
            "success": "" if success is None else _filled(self.success, answer=success),
            "feedback": "" if not remark else _filled(self.feedback, feedback=remark),
        }
        return reworded(prompt, _filled(self.template, **told))


def _filled(template: str, **parts: str) -> str:
    return filled(template, {}, parts, "views: a template of own_success")


class Successes(Prompted):
    """A model that is asked each answer behind a prompt of its own, as ``tell`` has found them last."""

    def __init__(self, model: Model, how: OwnSuccess, name: str, encoder: Any) -> None:
        super().__init__(model, lambda context: context)
        self.how, self.name, self.encoder = how, name, encoder
        self.instead: dict[int, Tensor] = {}  # by the place at which an answer is shown

    def tell(self, rollouts: Sequences, shown: Shown, rows: Sequence[Mapping[str, Any]]) -> tuple[Sequences, dict[str, float]]:
        """The rollouts with ``told``, and what is logged. ``rows``: of each rollout, the row that it answers."""
        quantities = rollouts.quantities
        places = quantities["shown"].tolist()
        prompts, completions = [shown[place][0] for place in places], [shown[place][1] for place in places]
        which = self.how.told(quantities["reward"], quantities["group"])
        remarks = self.how.remarks(prompts, completions, rows)
        told, long = torch.zeros(len(rollouts)), 0
        self.instead = {}
        for b, (place, other, remark) in enumerate(zip(places, which, remarks, strict=True)):
            if other is None and not remark:
                continue
            success = None if other is None else whole_text(completions[other])
            try:
                asked = self.encoder.encode_prompt(self.how.asked(prompts[b], success, remark), **template_variables(rows[b]))
            except TooLong:
                long += 1
                continue
            room = getattr(self.model, "context_length", None)
            if room is not None and len(asked) + int(rollouts.length[b]) > room:
                long += 1
                continue
            self.instead[place], told[b] = torch.tensor(asked), 1.0
        count = max(len(rollouts), 1)
        figures = {"told": float(told.mean()) if len(told) else 0.0, "too_long": long / count}
        figures["with_success"] = sum(other is not None for other in which) / count
        return rollouts.with_quantities(told=told), {f"{self.name}_told/{key}": value for key, value in figures.items()}

    def _asked(self, sequences: Sequences) -> Sequences:
        if "shown" not in sequences.quantities:
            raise InputError(
                f"views.{self.name}: it is told successes of the policy's own answers, and is asked of something else; let it teach a recipe that acts, and its own terms only"
            )
        plain = [sequences.contexts[i] for i in sequences.context.tolist()]
        contexts = [self.instead.get(place, own) for place, own in zip(sequences.quantities["shown"].tolist(), plain, strict=True)]
        return replace(sequences, contexts=contexts, context=torch.arange(len(sequences)))

    def measure(self, sequences: Sequences, names: Set[str]) -> dict[str, Tensor]:
        """The named quantities of the sequences, each as an answer to what it is told."""
        return self.model.measure(self._asked(sequences), names)
