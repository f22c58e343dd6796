"""How the weights came to be. Nothing on the way from a scan to its teeth imports this package."""
