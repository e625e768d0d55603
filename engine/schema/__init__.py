"""The types that configuration files are written in: pydantic models that read text exactly."""
