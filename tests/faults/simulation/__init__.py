"""The whole core in one process on virtual time: any order of its steps, any fault, any crash, all repeatable."""
