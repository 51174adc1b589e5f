"""What Application Auto Scaling decides, without any service: adjustments, target tracking, cooldowns, limits.

Source, unless another is named: the Application Auto Scaling User Guide, "Target tracking scaling policies", "Step
scaling policies" and "Scheduled scaling".
"""
