"""A car deal: sell a car to somebody of whom it is not known what he wants, how much he can pay and how he talks.

    said       car?           what he wants; pay? is how much he can pay; b5 offers car b at price 5
    told       b>             hm> from who does not say; an offer is refused by dear>, other>, or no>; observed: b5> is told before the first turn
    earns      the price, when the deal is made; 0 else; -1 for what is none of these

A buyer has a favourite car, for which he pays up to his budget (``least`` to ``most``), for any other up to ``dislike`` less; and one of three manners:

* frank: says what he wants and can pay, and whether an offer is too dear (more than his budget) or the wrong car;
* sly: the same, but says he can pay 1 less than he can;
* curt: answers no question and refuses with a bare no.

He leaves at the ``patience``-th offer that he refuses. All kinds of buyer are as likely: cars * budgets * manners of them. The expert is the optimum over all policies that do
not see the buyer (``_solved``); who sees him sells his favourite at his budget in one turn.

Source: LMRL-Gym, arXiv 2311.18232, car dealer, and the authors' code (llm_rl_scripts/car_dealer/env): the seller is the policy, buyers have hidden preferences, budget and
personality, and the reward is the revenue (``reward_mode="revenue"``).
Differs from it: the buyer is a rule and no language model, so that the optimum is known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from guerdon.errors import InputError
from guerdon.worlds.games._rules import Outcome
from guerdon.worlds.games._solved import Solved
from guerdon.worlds.games._wording import Action, Wording

CARS = {"a": "sedan", "b": "truck", "c": "convertible", "d": "van"}
MANNERS = ("frank", "sly", "curt")
Buyer = tuple[str, int, str, int]  # favourite, budget, manner, offers refused so far


@dataclass(frozen=True)
class CarDeal(Solved):
    cars: int = 3
    least: int = 3
    most: int = 6
    dislike: int = 2
    patience: int = 2
    observed: bool = False
    turns: int = 5
    wording: str = "terse"

    wordings: ClassVar[Mapping[str, Wording]] = {
        "terse": Wording(
            says={"ask": "{x}?", "offer": "{x}"},
            tells={"rules": "sell:", "buyer": "{car}{budget}>", "car": "{car}>", "pay": "{pay}>", "silent": "hm>"}
            | {"dear": "dear>", "other": "other>", "no": "no>", "deal": "deal", "leaves": "bye", "invalid": "?>"},
            between="",
        ),
        "sentences": Wording(
            says={"ask": "ask about {x}", "offer": "offer {x}"},
            tells={
                "rules": "You sell cars: {cars}, at prices from 10000 to {top} dollars, and earn what the buyer pays. Say, on a line of its own, 'ask about the car' "
                "(what he wants), "
                "'ask about the money' (what he can pay) or, for example, 'offer the {example} for 30000'. Some buyers say less than they can pay, and some say nothing. "
                "Nobody stays "
                "for long. You have {turns} turns.\n",
                "buyer": "A buyer comes in. He wants a {car} and can pay {budget}0000 dollars.",
                "car": "I would like a {car}.",
                "pay": "I can pay {pay}0000 dollars.",
                "silent": "Hm.",
                "dear": "That is too dear for me.",
                "other": "I would rather have another car.",
                "no": "No.",
                "deal": "It is a deal.",
                "leaves": "No, goodbye.",
                "invalid": "The buyer does not understand. Ask about the car or the money, or offer one of the cars for a price.",
            },
            names={"car": "the car", "pay": "the money"}
            | CARS
            | {f"{car}{price}": f"the {name} for {price}0000" for car, name in CARS.items() for price in range(1, 10)},
            between=", ",
        ),
    }

    def check(self) -> None:
        if not (1 <= self.cars <= len(CARS) and 2 <= self.least <= self.most <= 9 and self.dislike >= 0 and self.patience >= 1):
            raise InputError(
                f"{self!r}: there are 1 to {len(CARS)} cars, 2 <= least <= most <= 9, dislike is 0 or more and patience 1 or more"
            )

    def told_in_rules(self) -> Mapping[str, object]:
        names = [self.speech.name(car) for car in self._cars]
        return {"cars": self.speech.between.join(names), "example": names[0], "top": f"{self.most}0000", "turns": self.turns}

    @property
    def _cars(self) -> list[str]:
        return list(CARS)[: self.cars]

    def starts(self) -> Sequence[Buyer]:
        return [(car, budget, manner, 0) for car in self._cars for budget in range(self.least, self.most + 1) for manner in MANNERS]

    def columns(self, hidden: Buyer) -> dict[str, Any]:
        return {"favourite": hidden[0], "budget": hidden[1], "manner": hidden[2]}

    def start(self, row: Mapping[str, Any]) -> Buyer:
        buyer = (row.get("favourite"), row.get("budget"), row.get("manner"), 0)
        if buyer not in self.starts():
            raise InputError(
                f"favourite, budget and manner are {buyer[:3]}: they are one of {self._cars}, {self.least} to {self.most}, and one of {MANNERS}"
            )
        return buyer

    def at_most(self, group: Sequence[Buyer]) -> float:
        return float(sum(budget for _, budget, _, _ in group))

    def first(self, hidden: Buyer) -> str:
        return self.speech.tell("buyer", car=self.speech.name(hidden[0]), budget=hidden[1]) if self.observed else ""

    @cached_property
    def _moves(self) -> tuple[Action, ...]:
        return ("ask", "car"), ("ask", "pay"), *(("offer", f"{car}{price}") for car in self._cars for price in range(1, self.most + 1))

    def moves(self, hidden: Buyer) -> tuple[Action, ...]:
        return self._moves

    def after(self, hidden: Buyer, action: Action) -> Outcome | None:
        if action not in self._moves:
            return None
        favourite, budget, manner, refused = hidden
        kind, about = action
        if kind == "ask":
            told = "silent" if manner == "curt" else about
            return Outcome(hidden, self.speech.tell(told, car=self.speech.name(favourite), pay=budget - (manner == "sly")), 0.0)
        car, price = about[0], int(about[1:])
        if price <= budget - self.dislike * (car != favourite):
            return Outcome(hidden, self.speech.tell("deal"), float(price), done=True, solved=True)
        after = (favourite, budget, manner, refused + 1)
        if refused + 1 >= self.patience:
            return Outcome(after, self.speech.tell("leaves"), 0.0, done=True)
        why = "no" if manner == "curt" else "dear" if price > budget else "other"
        return Outcome(after, self.speech.tell(why), 0.0)

    @property
    def bounds(self) -> tuple[float, float]:
        return self.wasted * self.turns, float(self.most)

    @property
    def vocabulary(self) -> str:
        return "".join(["carpay0123456789", *self._cars])

    @property
    def longest(self) -> int:
        return max(len(self.speech.write(move)) for move in self._moves)
