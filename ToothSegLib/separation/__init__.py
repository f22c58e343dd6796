"""What the networks say of every voxel -> one region a tooth; implants and pieces left out."""
