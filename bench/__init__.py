"""What the machine can do, and what we make of it: each figure beside its floor, measured in the same minutes."""
