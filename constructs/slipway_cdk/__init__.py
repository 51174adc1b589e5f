"""Constructs for SageMaker inference endpoints that are updated behind guardrails."""
