"""The doors: command line, pages, and adapters to what other people's trainers expect."""
