"""How a classifier forgets: goals, adversarial examples, weight importance, methods, the loop."""
