"""What every surface does with a request. Quart's globals stop here."""
