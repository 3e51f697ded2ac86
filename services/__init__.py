"""Use cases and rules of the fleet, one module per noun; they write through a unit of work and never commit."""
