"""Inputs and payloads of mutations, one module per noun."""
