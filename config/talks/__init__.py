"""Conversation tests of a project: `flows/tests/*.yaml`, played against the real core on virtual time."""
