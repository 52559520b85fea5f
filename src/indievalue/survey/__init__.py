"""What was asked: loads and validates a survey spec."""
