"""Tables of facts that AWS publishes, checked in so that synthesis needs no network."""
