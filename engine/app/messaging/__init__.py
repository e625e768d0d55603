"""What a bot tells other programs, and what they may tell it."""
