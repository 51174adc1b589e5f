"""What an operator does through boto3: watch, roll back, shift, scale, publish, invoke."""
