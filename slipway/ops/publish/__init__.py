"""Models into the bucket: packaged, uploaded once, recorded; the archives of multi-model endpoints."""
