"""Nothing acknowledged is lost, doubled or out of order, however often the server is killed."""
