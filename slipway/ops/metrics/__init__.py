"""The key metrics of an endpoint: asked for, summed up, shown."""
