"""What the relay tells its operators: metrics and logs."""
