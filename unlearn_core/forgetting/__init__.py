"""Unlearning: goals, adversarial examples, weight importance, methods, and the loop."""
