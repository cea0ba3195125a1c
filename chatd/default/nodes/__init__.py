"""The processes of a deployment and their leases."""
