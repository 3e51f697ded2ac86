"""The live path: from the event log to the clients that watch, each event read once and written once for all."""
