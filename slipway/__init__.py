"""Slipway launches models: SageMaker endpoints per environment, updated behind guardrails."""
