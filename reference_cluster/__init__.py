"""A control plane that can be run again: programs that await effects, a simulator that answers them, planted bugs."""
