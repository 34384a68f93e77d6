"""How long a network takes: devices, clocks, passes, samples, layers and what the device did."""
