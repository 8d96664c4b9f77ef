"""Tables: their entries, and the formats that they are written in."""
