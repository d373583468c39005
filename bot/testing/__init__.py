"""What tests stand on, ours and those of whoever makes a channel: a settable clock, seeded chance, contract suites.

Of the program itself only the runner of conversation tests uses it.
"""
