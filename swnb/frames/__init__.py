"""The only builders of DataFrames."""
