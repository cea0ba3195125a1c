"""The ways by which chatd's devices are connected under load, each as lean as Python allows."""
