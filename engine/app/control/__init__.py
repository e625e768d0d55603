"""The control socket of a running bot."""
