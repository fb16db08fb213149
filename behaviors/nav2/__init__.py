"""Control nodes and decorators of Nav2 under the prefix ``nav2.``."""
