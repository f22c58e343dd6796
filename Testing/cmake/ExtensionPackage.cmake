# Nothing is packed here.
