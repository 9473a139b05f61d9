"""What every lab is made of: one state, and what follows from it."""
