"""What users write: each way to keep, to write over, to run again or to multiply on its own."""

from tests.training.users import holding, kinds, layers, operators, reaching, running
from tests.training.users.naming import USERS

__all__ = ["USERS", "holding", "kinds", "layers", "operators", "reaching", "running"]
