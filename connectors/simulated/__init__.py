"""The simulated exchange: matching engine, ledger, synthetic and replayed markets, and the connector to them."""
