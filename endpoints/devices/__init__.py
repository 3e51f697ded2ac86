"""The device protocol of Mender, version 3, under `/api/devices`: what a stock mender-client speaks.

Things sign in with a key pair, send their inventory, ask for their next update, and report on it. It is told, with all
statuses, in docs/guides/devices.md.
"""
