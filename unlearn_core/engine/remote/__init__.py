"""The engine's work on a Dask cluster that exists already, whose workers cannot read the server's home."""
