"""From morphed samples to processes with calibrated bands, and what their errors are made of."""
