"""Root fields: queries, mutations (one call of one service each) and subscriptions, and the schema made of them."""
