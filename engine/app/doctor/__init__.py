"""What may be wrong with a machine or a user's folder: one function a check, listed in `checks`."""
