"""A demo fleet to look at, and things that keep it moving."""
