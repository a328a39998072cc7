"""The catalogue's models: functions of no arguments that make them, weights and all."""
