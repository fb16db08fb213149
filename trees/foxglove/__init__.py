"""What of a run Foxglove shows without any settings: its schemas, and messages in them."""
