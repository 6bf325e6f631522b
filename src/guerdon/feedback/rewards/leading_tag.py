"""Leading tag: which of some tags a completion begins with.

    value = the place of the tag in ``tags``, 0, 1, ...; -1 where it begins with none of them

It is no reward to be learned from, but something for others to read: ``reward.watched`` keeps it out of the sum, and shapings read it by its name (``component_tag``). Upper and
lower case and space before the tag make no difference; of two tags that fit, the longer one counts.

Source: AdaCtrl, Huang et al. 2025, arXiv 2505.18822, whose answers begin with [Easy] or [Hard]; its authors' code (``reward_manager/naive.py``) reads the first six
characters, in any case.
Differs from Format: it says which of several forms a completion has.
"""

from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.rewards.format import Format
from guerdon.feedback.text import whole_text
from guerdon.witness import Witness


@dataclass(frozen=True)
class LeadingTag:
    tags: tuple[str, ...] = ("[Easy]", "[Hard]")

    def __post_init__(self) -> None:
        known = [tag.strip().lower() for tag in self.tags]
        if not known or not all(known) or len(set(known)) < len(known):
            raise InputError(f"leading_tag needs tags that differ by more than case and are not empty, not {list(self.tags)}")

    def __call__(self, prompts: list[Any], completions: list[Any], **columns: list[Any]) -> list[float | None]:
        return [self._place(whole_text(completion).lstrip().lower()) for completion in completions]

    def _place(self, text: str) -> float:
        fits = [(len(tag), -place) for place, tag in enumerate(self.tags) if text.startswith(tag.strip().lower())]
        return float(-max(fits)[1]) if fits else -1.0


_asked = {"prompts": ["q"] * 4, "completions": ["[Easy] 4", " [hard] so", "4 [Easy]", ""]}
witness = (
    Witness(LeadingTag(), parent=Format(r"\[Easy\].*"), given=_asked, returns=[0.0, 1.0, -1.0, -1.0]),
    Witness(LeadingTag(("4", "[Hard]", "[Easy]")), parent=LeadingTag(), given=_asked, returns=[2.0, 1.0, 0.0, -1.0]),
)
