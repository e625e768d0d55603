"""The composition root: command line, configuration, registry and sessions."""
