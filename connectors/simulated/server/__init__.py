"""The simulated exchange on the network, speaking Binance Spot's protocol over HTTP and WebSocket."""
