"""The science: neurons, layers, networks, objectives. Read this first."""
