"""The rules. Knows no HTTP and no SQL text: it composes statements of `store` into transactions."""
