"""How good a result is: measures against a truth. Never imported by the inference path."""
