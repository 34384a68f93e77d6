"""What each output of any `nn.Module` depends on: exact sets over the operators that ran."""
