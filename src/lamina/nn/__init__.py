"""Layers and kernels that bodies and heads share; they know tensors only."""
