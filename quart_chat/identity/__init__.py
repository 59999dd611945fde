"""Who a credential says somebody is: pure, without a transaction or a request."""
