"""A simulated user: what it is told of whom it plays, how a conversation goes on and ends, and what is said where it says nothing."""

import pytest

from guerdon.errors import InputError
from guerdon.feedback.writers import Answer
from guerdon.feedback.writers.scripted import Scripted
from guerdon.tasks.environments import Said
from guerdon.tasks.environments.simulated_user import SimulatedUser

ROW = {"goal": "a ticket to Berne"}


class Listening(Scripted):
    asked = ()

    def __call__(self, questions):
        object.__setattr__(self, "asked", (*self.asked, *questions))
        return super().__call__(questions)


def test_a_conversation_is_played_from_the_user_s_side():
    writer = Listening({"Which day?": "On Monday.", "Here it is": "Thank you. [END]"}, otherwise="I need a ticket.")
    user = SimulatedUser(writer).build()
    assert user.reset(ROW, 3) == "I need a ticket."
    assert "a ticket to Berne" in writer.asked[0].messages[0]["content"] and "[END]" in writer.asked[0].messages[0]["content"]
    told = user.step(Said("Which day?"))
    assert (told.text, told.done, told.reward) == ("On Monday.", False, None)
    roles = [message["role"] for message in writer.asked[1].messages]
    assert roles == ["system", "user", "assistant", "user"]  # to who plays, the policy is the other one


def test_the_user_ends_the_conversation():
    user = SimulatedUser(Scripted({"Here it is": "Thank you. [END] Bye"}, otherwise="I need a ticket.")).build()
    user.reset(ROW, 3)
    told = user.step(Said("Here it is"))
    assert told.done and told.text == "Thank you." and told.figures == {"ended_by_user": 1.0}


def test_what_is_drawn_follows_from_the_seed_and_the_turn():
    seeds = []
    for seed in (3, 3, 4):
        writer = Listening(otherwise="yes")
        user = SimulatedUser(writer).build()
        user.reset(ROW, seed)
        user.step(Said("?"))
        seeds.append([question.seed for question in writer.asked])
    assert seeds[0] == seeds[1] != seeds[2] and seeds[0][0] != seeds[0][1]


def test_a_copy_goes_on_from_where_it_is():
    one, other = (SimulatedUser(Listening({"b": "two"}, otherwise="one")).build() for _ in range(2))
    one.reset(ROW, 1)
    one.step(Said("a"))
    other.restore(one.state())
    assert other.step(Said("b")) == one.step(Said("b")) and other.state() == one.state()


def test_a_user_who_says_nothing_is_a_failure_and_not_an_empty_turn():
    class Away(Scripted):
        def __call__(self, questions):
            return [Answer(why="the address does not answer")]

    with pytest.raises(RuntimeError, match="said nothing: the address does not answer"):
        SimulatedUser(Away()).build().reset(ROW, 0)
    with pytest.raises(InputError, match=r"simulated_user\.persona: it tells 'goal'"):
        SimulatedUser(Scripted(otherwise="x")).build().reset({}, 0)
    with pytest.raises(InputError, match="ends is empty"):
        SimulatedUser(Scripted(), ends=" ")
