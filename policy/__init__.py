"""What is allowed: the contract with policy, its engines and containment."""
