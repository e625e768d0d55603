"""Keys of exchanges and wallets, encrypted in one file of the user's folder."""
