"""A world in one thread: an asyncio loop on virtual time and a network in memory, under unmodified libraries."""
