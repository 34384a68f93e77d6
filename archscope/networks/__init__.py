"""The `nn.Module`s that families build, written to be read; imported only when one is built."""
