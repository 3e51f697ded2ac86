"""SQL constructs that both databases understand, for the store and for the engine alike; they know no tables."""
