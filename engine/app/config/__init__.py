"""Configuration: from YAML text, environment and command line to one checked model, with the origin of every value."""
