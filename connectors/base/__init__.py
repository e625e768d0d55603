"""What every connector to a real exchange is made of."""
