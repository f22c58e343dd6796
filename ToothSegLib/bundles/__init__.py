"""What a bundle is stored as: the card in JSON, the weights in safetensors."""
