"""The read engine: declarations, pages, filters, prepared documents and their execution; knows nothing of fleets."""
