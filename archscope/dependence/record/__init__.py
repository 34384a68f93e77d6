"""What ran: each operator of a forward pass, what tensors share, which numbers are known."""
