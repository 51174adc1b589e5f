"""Traffic between an endpoint's variants."""
