"""Viewing: a local page on runs, while they last and afterwards.

    places = runs([Path("runs/a"), Path("runs/b")])       what there is to look at
    index = Index(places[0]); index.update()              its rollouts in SQLite, brought up to date from the run's files
    serve(app([...], tokens), address(...), tokens, ...)

The run's own files are read and never written. Everything that the page shows is asked for by a question that stands in its address, so that a link is a state.
"""
