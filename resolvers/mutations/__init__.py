"""Mutations, one module per noun."""
