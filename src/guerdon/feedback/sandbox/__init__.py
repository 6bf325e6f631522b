"""Sandbox: programs that nobody has read are run where they reach nothing, and are judged by what they answer.

A *keeper* (``inside/keeper.py``) is a process behind walls (``inside/walls.py``), started once; it forks a child for every program. Outside, ``Keeper``
(``keeping``) is the handle on one, ``pool`` shares a few of them, and ``running`` says what a program printed, returned, or how many tests it passes.

The grader is out of the program's reach: a program is given inputs, in a process that has never held what is expected. What it answers comes back as
plain values (``plain``) of built-in types and is compared here (``equality``). Tests that are text are run in another keeper, which examines: there a
call of the program is a question to the process in which it runs, so that no line of it is ever executed where tests and verdicts are.
"""
