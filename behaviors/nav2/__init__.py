"""Control nodes, decorators and conditions of Nav2 under the prefix ``nav2.``."""
