"""What is deployed together: the foundation, the operations, and a stack for each endpoint."""
