"""Linear maps: matrices, adjoints and pseudo-inverses of operations, and what comes back."""
