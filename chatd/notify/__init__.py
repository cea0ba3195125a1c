"""Ways to notify devices that are away, a file for each. A way's library is imported when the way
is configured."""
