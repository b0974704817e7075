"""What the control plane does, one subsystem a file or folder. Programs await effects and nothing else."""
