"""What operators ask: AdminService, answered by any default node."""
