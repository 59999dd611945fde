"""SQL, and nothing but SQL: one function per statement, one adapter per database."""
