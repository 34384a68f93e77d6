"""Parts that several families share: modules of torch's, or plans without torch.

They take plain arguments, never a family's spec.
"""
