"""The one exception for what the user can mend: a sentence that says what is wrong, where, and what to do."""


class InputError(Exception):
    """The user's input is wrong. The command line prints the sentence and exits with 2; no traceback."""


class RunFailed(Exception):
    """The run cannot go on, through no fault of the input (the disk is full, every step is non-finite).

    The command line prints the sentence and exits with 1; what was saved stays.
    """
