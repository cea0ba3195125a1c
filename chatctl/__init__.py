"""chatctl: the operator's and the scripter's client."""
