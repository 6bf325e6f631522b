"""Plan: whether the steps that a completion gives can be taken, and lead to the goal.

    reward = right if every step's condition holds when it is taken and the goal holds at the end, else wrong

The columns ``domain`` and ``problem`` are STRIPS in PDDL (``guerdon.feedback.planning`` says what of it is known). The plan is the last block of the completion
after its thinking, or all of it where there is no block: a step a line, "(stack a b)", "stack a b" or "stack(a, b)", numbered or not. A line that is no
step is wrong, as is a plan that does not reach the goal; a plan may be longer than the shortest. A row without a problem gives None.

Source: the semantics of STRIPS, Fikes and Nilsson 1971; as a test of language models: Valmeekam et al., arXiv 2206.10498, whose plans are validated so.
Differs from StringMatch: many plans are right, and none has to be known.
"""

from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.fences import last_block
from guerdon.feedback.planning import after, holds, problem, steps
from guerdon.feedback.rewards.string_match import StringMatch
from guerdon.feedback.text import answer_text
from guerdon.witness import Witness

_LANGUAGES = ("pddl", "plan", "text")


@dataclass(frozen=True)
class Plan:
    right: float = 1.0
    wrong: float = 0.0

    def __call__(
        self, prompts: list[Any], completions: list[Any], domain: list[Any], problem: list[Any], **columns: list[Any]
    ) -> list[float | None]:
        return [self._judge(*row) for row in zip(prompts, completions, domain, problem, strict=True)]

    def _judge(self, prompt: Any, completion: Any, domain: Any, text: Any) -> float | None:
        if domain is None or text is None:
            return None
        if not isinstance(domain, str) or not isinstance(text, str):
            raise InputError("the columns domain and problem of the plan reward hold PDDL, which is text")
        own = problem(domain, text)
        said = last_block(answer_text(completion, prompt), _LANGUAGES)
        plan = None if said is None else steps(said)
        end = None if plan is None else after(own, plan)
        return self.right if end is not None and holds(own.goal, end, {}) else self.wrong


BLOCKS = """
(define (domain blocks)
  (:predicates (on ?x ?y) (table ?x) (clear ?x) (free) (held ?x))
  (:action pick-up :parameters (?x) :precondition (and (clear ?x) (table ?x) (free))
    :effect (and (held ?x) (not (table ?x)) (not (clear ?x)) (not (free))))
  (:action put-down :parameters (?x) :precondition (held ?x) :effect (and (table ?x) (clear ?x) (free) (not (held ?x))))
  (:action stack :parameters (?x ?y) :precondition (and (held ?x) (clear ?y))
    :effect (and (on ?x ?y) (clear ?x) (free) (not (held ?x)) (not (clear ?y))))
  (:action unstack :parameters (?x ?y) :precondition (and (on ?x ?y) (clear ?x) (free))
    :effect (and (held ?x) (clear ?y) (not (on ?x ?y)) (not (clear ?x)) (not (free)))))
"""
_turned = "(define (problem turn) (:domain blocks) (:objects a b) (:init (on a b) (table b) (clear a) (free)) (:goal (on b a)))"
witness = Witness(
    Plan(),
    parent=StringMatch(),
    given={
        "prompts": ["q"] * 4,
        "completions": [
            "```\n(unstack a b)\n(put-down a)\n(pick-up b)\n(stack b a)\n```",
            "1. unstack(a, b)\n2. put-down(a)\n3. pick-up(b)\n4. stack(b, a)",
            "(unstack a b)\n(put-down a)",  # the goal is not reached
            "(put-down a)\n(pick-up b)\n(stack b a)",  # nothing is held
        ],
        "domain": [BLOCKS] * 4,
        "problem": [_turned] * 4,
        "answer": ["(unstack a b)\n(put-down a)\n(pick-up b)\n(stack b a)"] * 4,
    },
    returns=[1.0, 1.0, 0.0, 0.0],
)
