"""The panels and what they are made of; each takes frames or handles and knows no platform and no httpx."""
