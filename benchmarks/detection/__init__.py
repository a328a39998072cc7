"""What the gate finds, and cries wolf over, on simulated runs; and what other projects say of the same ones."""
