"""The world outside the control plane: the cluster that runs pods, and the clients that open sessions."""
