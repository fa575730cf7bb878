"""Floor 7: findings, groups and plans as text and as JSON."""
