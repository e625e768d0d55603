"""Any exchange that the ccxt library knows, through ccxt and ccxt.pro. Importing these modules imports ccxt."""
