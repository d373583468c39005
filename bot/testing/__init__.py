"""What tests stand on, ours and those of whoever makes a channel: a settable clock, seeded chance, contract suites."""
