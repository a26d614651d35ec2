"""What makes many hosts one pool: roles, trust, copies of the database, liveness, changes of the coordinator."""
