"""Studies: questions that no single system of the atlas asks, each measured by a command that writes a page of the documentation.

    make studies ARGS=exact-preferences                  # measure it, and write studies/results/exact_preferences.json and docs/exact-preferences.md
    python -m studies exact-preferences --render-only    # the page and its pictures from what was measured
    python -m studies                                    # which studies there are

A study is a module of this package (or a package in it) whose name does not begin with an underscore, and which has::

    def measure(small: bool) -> dict: ...                    # numbers, as JSON holds them; ``small``: the same in seconds, for a test
    def page(results: dict) -> str: ...                      # Markdown, a pure function of the results: a test holds the committed page to the committed results
    def draw(results: dict, folder: Path) -> list[Path]: ... # the pictures that the page shows (as images/NAME.png), written into the folder

What ``measure`` takes besides ``small`` are options of the command by the same names (``--data``), each with a default. ``results`` is {"measured": what
``measure`` gave, "date", "duration_s", "cores", "versions"}. What a page says of its figures it takes from the results, so that a new measurement cannot
leave an old sentence behind. The first line of the module's docstring is what the study asks.
"""
