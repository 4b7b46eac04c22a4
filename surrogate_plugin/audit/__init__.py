"""How wrong a finished run is: its saved fields against certified ones, moment by moment."""
