"""Follow-up: what whoever asked would say next, after the answer.

    prompt, completion → says after (prompt, completion, turn)        None where nothing was answered

``turn`` is what stands between the answer and the next turn: with a chat template, the end of the one and the beginning of the other, as the template writes them. In a finite
world ``says`` is actions, and ``turn`` is not there.

Of something that the pleased say, less the same of something that the displeased say, the likelihood is a reward: ``log_likelihood`` of both, the second with a weight of -1.

Source: FLR, Zhang et al. 2024, arXiv 2409.13948: the likelihood of follow-up utterances as the reward; the utterances are ours.
Differs from Question: nobody is asked for a verdict; the conversation goes on, and what is likely next tells.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.conclusions import is_actions
from guerdon.feedback.recasting import Recast
from guerdon.feedback.recasting.question import Question
from guerdon.feedback.text import whole_text
from guerdon.witness import Witness


@dataclass(frozen=True)
class FollowUp:
    says: str | tuple[int, ...] = "Thank you, that is what I needed."
    turn: str = "\nUser: "

    def __call__(self, prompt: Any, completion: Any, row: Mapping[str, Any]) -> Recast | None:
        if not completion:
            return None
        acted = is_actions(completion) and not isinstance(completion, str)
        if acted is isinstance(self.says, str):
            raise InputError(
                f"follow_up: answers are {'lists of actions' if acted else 'texts'}, and says is {self.says!r}; give it in the same form"
            )
        if acted:
            return Recast(prompt, list(completion), list(self.says))
        said = whole_text(completion)
        return Recast(prompt, said + self.turn, self.says) if said else None


witness = (
    Witness(
        FollowUp("Thanks."),
        parent=Question(says="Thanks."),
        given={"prompt": "2+3?", "completion": "5", "row": {}},
        returns={"prompt": "2+3?", "begun": "5\nUser: ", "measured": "Thanks."},
    ),
    Witness(
        FollowUp("Thanks.", " | "),
        parent=FollowUp("Thanks."),
        given={"prompt": "2+3?", "completion": "5", "row": {}},
        returns={"prompt": "2+3?", "begun": "5 | ", "measured": "Thanks."},
    ),
    Witness(
        FollowUp((2,)),
        parent=FollowUp((0,)),
        given={"prompt": 0, "completion": [3, 1], "row": {}},
        returns={"prompt": 0, "begun": [3, 1], "measured": [2]},
    ),
)
