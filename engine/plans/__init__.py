"""The plan executor: an operation compiled once into levels of statements, then run level by level.

It reads the same declarations as the reference executor (`engine.resolve`) and gives the same answer. What it does not
cover it leaves to that one (`StepAside`).
"""
