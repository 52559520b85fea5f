"""Makes run directories readable: tables, figures, one HTML page."""
