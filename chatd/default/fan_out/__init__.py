"""From a commit to the queue: the stages of fan-out, in the order of the flow."""
